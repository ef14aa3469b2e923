using System.Text;
using System.Text.Json;

namespace Mergeflow.Nic;

/// <remarks>What only tests look at.</remarks>
public sealed partial record NicProfile
{
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
}
