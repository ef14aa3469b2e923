using System.Reflection;
using System.Text;
using System.Text.Json;

namespace Mergeflow.Nic;


public sealed partial record NicProfile
{
    private const string ResourcePrefix = "Mergeflow.Nic.Profiles.";

    /// <summary>Names of the profiles that come with the program.</summary>
    public static IReadOnlyList<string> EmbeddedNames { get; } = Assembly.GetExecutingAssembly().GetManifestResourceNames()
        .Where(static n => n.StartsWith(ResourcePrefix, StringComparison.Ordinal))
        .Select(static n => n[ResourcePrefix.Length..^".json".Length]).Order(StringComparer.Ordinal).ToArray();

    /// <summary>Loads an embedded profile by name, or a JSON file by path. Throws <see cref="NicConfigException"/>.</summary>
    public static NicProfile Load(string pathOrName)
    {
        if (EmbeddedNames.Contains(pathOrName)) return LoadEmbedded(pathOrName);
        if (!File.Exists(pathOrName))
        {
            throw new NicConfigException(pathOrName, "", 0, $"neither a file nor a profile; profiles: {string.Join(", ", EmbeddedNames)}");
        }
        try
        {
            return Parse(pathOrName, ConfigFile.ReadAllBytes(pathOrName));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new NicConfigException(pathOrName, "", 0, $"cannot be read: {e.Message}");
        }
    }

    /// <summary>Parses JSON text; <paramref name="source"/> is what messages call it. Throws <see cref="NicConfigException"/>.</summary>
    public static NicProfile Parse(string source, string json) => Parse(source, Encoding.UTF8.GetBytes(json));

    /// <summary>Parses UTF-8 JSON text. Throws <see cref="NicConfigException"/>.</summary>
    public static NicProfile Parse(string source, ReadOnlySpan<byte> utf8)
        => NicProfileReader.Read(ConfigValue.Parse(source, utf8), LoadEmbedded);

    /// <summary>The profile as JSON text that <see cref="Parse(string, string)"/> reads back, without <c>extends</c>.</summary>
    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var w = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            w.WriteStartObject();
            w.WriteString("name", Name);
            w.WriteStartArray("items");
            foreach (string item in FlowNames.Items.Where(Items.Contains)) w.WriteStringValue(item);
            w.WriteEndArray();
            w.WriteStartObject("fields");
            foreach (NicFieldInfo f in NicFields.All) w.WriteString(f.Name, NicProfileReader.Spell(Supports(f.Field)));
            w.WriteEndObject();
            w.WriteStartObject("actions");
            foreach (string a in FlowNames.Actions) w.WriteString(a, NicProfileReader.Spell(SupportsAction(a)));
            w.WriteEndObject();
            w.WriteNumber("maxActions", MaxActions);
            w.WriteNumber("vlanTags", VlanTags);
            w.WriteStartObject("exactMatch");
            w.WriteNumber("entries", ExactMatchEntries);
            w.WriteNumber("templates", ExactMatchTemplates);
            w.WriteEndObject();
            w.WriteStartObject("wildcard");
            w.WriteNumber("rows", WildcardRows);
            w.WriteEndObject();
            w.WriteStartObject("queue");
            w.WriteNumber("depth", QueueDepth);
            w.WriteNumber("insertsPerSecond", InsertsPerSecond);
            w.WriteNumber("insertLatencyUs", InsertLatencyNs / 1000);
            w.WriteNumber("deletesPerSecond", DeletesPerSecond);
            w.WriteNumber("deleteLatencyUs", DeleteLatencyNs / 1000);
            w.WriteEndObject();
            w.WriteNumber("counterRefreshMs", CounterRefreshNs / 1_000_000);
            w.WriteBoolean("verifiesChecksums", VerifiesChecksums);
            w.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static NicProfile LoadEmbedded(string name)
    {
        using Stream? s = Assembly.GetExecutingAssembly().GetManifestResourceStream($"{ResourcePrefix}{name}.json");
        if (s is null) throw new NicConfigException(name, "", 0, $"no such profile; profiles: {string.Join(", ", EmbeddedNames)}");
        byte[] bytes = new byte[s.Length];
        s.ReadExactly(bytes);
        return Parse($"{name}.json", bytes);
    }
}
