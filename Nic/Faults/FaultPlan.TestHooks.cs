using System.Text;
using System.Text.Json;

namespace Mergeflow.Nic;

/// <remarks>What only tests look at.</remarks>
public sealed partial record FaultPlan
{
    /// <summary>The plan as JSON text that <see cref="Parse"/> reads back.</summary>
    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var w = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            w.WriteStartObject();
            w.WriteNumber("seed", Seed);
            w.WriteNumber("refuseEveryNthCreate", RefuseEveryNthCreate);
            w.WriteNumber("tableFullEveryNthCreate", TableFullEveryNthCreate);
            w.WriteNumber("delayCompletionChance", DelayCompletionChance);
            w.WriteNumber("delayCompletionMaxMs", DelayCompletionMaxMs);
            w.WriteNumber("loseCompletionChance", LoseCompletionChance);
            w.WriteNumber("duplicateCompletionChance", DuplicateCompletionChance);
            WriteWindows(w, "stalls", Stalls);
            WriteWindows(w, "counterFreezes", CounterFreezes);
            w.WriteStartArray("resetsAtMs");
            foreach (long at in ResetsAtMs) w.WriteNumberValue(at);
            w.WriteEndArray();
            w.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static void WriteWindows(Utf8JsonWriter w, string name, IReadOnlyList<FaultWindow> windows)
    {
        w.WriteStartArray(name);
        foreach (FaultWindow window in windows)
        {
            w.WriteStartObject();
            w.WriteNumber("atMs", window.AtMs);
            w.WriteNumber("forMs", window.ForMs);
            w.WriteEndObject();
        }
        w.WriteEndArray();
    }
}
