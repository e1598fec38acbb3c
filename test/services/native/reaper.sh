#!/bin/sh
# Outlives the process that started a server, by a moment: when its standard input ends without `done` (that process
# died, however), the server's process group is killed and its folder removed. Usage: reaper.sh FOLDER
# Standard input, a line each: `group N` the process group to kill (empty: none is running), `done` nothing to do.
trap '' HUP INT TERM
group=
while read -r word value; do
  case $word in
    group) group=$value ;;
    done) exit 0 ;;
  esac
done
if [ -n "$group" ]; then
  kill -9 "-$group" 2>/dev/null
  tries=0
  while kill -0 "-$group" 2>/dev/null && [ $tries -lt 50 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
fi
rm -rf -- "$1"
