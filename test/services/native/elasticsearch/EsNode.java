import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/**
 * One Elasticsearch node from a class path. Its own launcher expects the layout of the full distribution, which is not
 * in package registries; this starts the same Node class from a home folder with config/elasticsearch.yml and modules/.
 */
public final class EsNode {
  public static void main(String[] arguments) throws Exception {
    var home = Path.of(arguments[0]).toAbsolutePath();
    var settings = Settings.builder().put("path.home", home.toString()).build();
    LogConfigurator.configureWithoutConfig(settings);
    var environment =
        InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), home.resolve("config"), () -> "annal-1");
    var modules = PluginsLoader.loadModulesBundles(environment.modulesDir(), true);
    var plugins = PluginsLoader.loadPluginsBundles(environment.pluginsDir(), true);
    var node = new Node(environment, PluginsLoader.createPluginsLoader(modules, plugins, Map.of(), false));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node)));
    node.start();
    new CountDownLatch(1).await();
  }

  private static void close(Node node) {
    try {
      node.close();
    } catch (IOException failure) {
      failure.printStackTrace();
    }
  }

  private EsNode() {}
}
