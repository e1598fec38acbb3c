const form = /\.restored\.[0-9]+$/;

/** A topic with history for readers outside, the k-th of this log (from 1). No epoch is ever one of these. */
export const restoredTopic = (name: string, k: number): string => `${name}.restored.${k}`;

/** Whether a topic has the form of a restored one, of whatever log: nothing of ours may read it. */
export const isRestoredTopic = (topic: string): boolean => form.test(topic);
