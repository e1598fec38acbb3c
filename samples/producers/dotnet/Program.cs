// Publishes one change to an Annal: over HTTP where ANNAL_URL is set, else to the inbox topic (CONNECTION_STRING, EVENTHUB and
// SCHEMA_REGISTRY_URL; the first argument is the file MetadataChangeEvent.avsc).
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Avro;
using Avro.Generic;
using Confluent.Kafka;
using Confluent.SchemaRegistry;
using Confluent.SchemaRegistry.Serdes;

const string Urn = "urn:li:dataset:(urn:li:dataPlatform:dotnet,samples.stations,PROD)";
// Made once: however often it is sent, the change has one effect.
var id = Guid.NewGuid();
var value = JsonSerializer.Serialize(new { name = "stations", description = "published by a few lines of C#" });

if (Environment.GetEnvironmentVariable("ANNAL_URL") is { Length: > 0 } url) await OverHttp(url);
else await OverKafka();

async Task OverHttp(string annal)
{
    using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(30) };
    if (Environment.GetEnvironmentVariable("ANNAL_TOKEN") is { Length: > 0 } token)
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    var body = $$"""{"id":"{{id}}","urn":"{{Urn}}","aspect":"datasetProperties","value":{{value}},"source":{"plugin":"dotnet-sample"}}""";
    for (var tries = 1; ; tries++)
    {
        var pause = TimeSpan.FromSeconds(Random.Shared.NextDouble() * Math.Min(30, 0.2 * Math.Pow(2, tries)));
        try
        {
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            using var answer = await client.PostAsync($"{annal.TrimEnd('/')}/v1/events", content);
            var text = await answer.Content.ReadAsStringAsync();
            if (answer.IsSuccessStatusCode)
            {
                using var told = JsonDocument.Parse(text);
                Console.WriteLine($"MCE Published {Urn} log:{told.RootElement.GetProperty("position").GetString()}");
                return;
            }
            if ((int)answer.StatusCode is not (408 or 429 or >= 500)) throw new InvalidOperationException($"refused: {text}");
            pause += answer.Headers.RetryAfter?.Delta ?? TimeSpan.Zero;
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException && tries < 8)
        {
            Console.Error.WriteLine($"{error.Message}; again in {pause.TotalSeconds:F1} s");
        }
        await Task.Delay(pause);
    }
}

async Task OverKafka()
{
    var topic = Environment.GetEnvironmentVariable("EVENTHUB")!;
    var connection = Environment.GetEnvironmentVariable("CONNECTION_STRING")!;
    var config = new ProducerConfig { BootstrapServers = connection, Acks = Acks.All, Partitioner = Partitioner.Murmur2Random };
    if (connection.StartsWith("Endpoint=sb://", StringComparison.Ordinal))
    {
        config.BootstrapServers = $"{new Uri(connection.Split(';')[0]["Endpoint=".Length..]).Host}:9093";
        config.SecurityProtocol = SecurityProtocol.SaslSsl;
        config.SaslMechanism = SaslMechanism.Plain;
        config.SaslUsername = "$ConnectionString";
        config.SaslPassword = connection;
    }
    var schema = (RecordSchema)Schema.Parse(await File.ReadAllTextAsync(args[0]));
    var change = (EnumSchema)schema["change"].Schema;
    var uuid = (FixedSchema)schema["id"].Schema;
    var record = new GenericRecord(schema);
    record.Add("urn", Urn);
    record.Add("aspect", "datasetProperties");
    record.Add("change", new GenericEnum(change, "UPSERT"));
    record.Add("id", new GenericFixed(uuid, id.ToByteArray(bigEndian: true)));
    record.Add("occurredAt", DateTime.UtcNow);
    record.Add("value", Encoding.UTF8.GetBytes(value));
    // Intake decides these.
    foreach (var name in new[] { "namespace", "entityType", "actor", "recordedBy" }) record.Add(name, "");
    foreach (var name in new[] { "expect", "group", "aspectSchema", "source", "correlationId", "causationId" })
        record.Add(name, null);
    using var registry = new CachedSchemaRegistryClient(
        new SchemaRegistryConfig { Url = Environment.GetEnvironmentVariable("SCHEMA_REGISTRY_URL") });
    using var producer = new ProducerBuilder<string, GenericRecord>(config)
        .SetValueSerializer(new AvroSerializer<GenericRecord>(registry))
        .Build();
    var delivered = await producer.ProduceAsync(topic, new Message<string, GenericRecord> { Key = Urn, Value = record });
    Console.WriteLine($"MCE Published {Urn} inbox:{delivered.Partition.Value}-{delivered.Offset.Value}");
}
