using System.Text;

namespace Mergeflow.Nic;


public sealed partial record FaultPlan
{
    private const long MaxMs = 1L << 40;

    /// <summary>Loads a JSON file. Throws <see cref="NicConfigException"/>.</summary>
    public static FaultPlan Load(string path)
    {
        try
        {
            return Parse(path, Encoding.UTF8.GetString(ConfigFile.ReadAllBytes(path)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new NicConfigException(path, "", 0, $"cannot be read: {e.Message}");
        }
    }

    /// <summary>Parses JSON text; an absent member is no fault. Throws <see cref="NicConfigException"/>.</summary>
    public static FaultPlan Parse(string source, string json)
    {
        ConfigValue root = ConfigValue.Parse(source, Encoding.UTF8.GetBytes(json));
        root.RejectUnknown("seed", "refuseEveryNthCreate", "tableFullEveryNthCreate", "delayCompletionChance", "delayCompletionMaxMs",
            "loseCompletionChance", "duplicateCompletionChance", "stalls", "counterFreezes", "resetsAtMs");
        return new FaultPlan
        {
            Seed = (ulong)(root.Find("seed")?.Integer(0, long.MaxValue) ?? 1),
            RefuseEveryNthCreate = (int)(root.Find("refuseEveryNthCreate")?.Integer(0, int.MaxValue) ?? 0),
            TableFullEveryNthCreate = (int)(root.Find("tableFullEveryNthCreate")?.Integer(0, int.MaxValue) ?? 0),
            DelayCompletionChance = root.Find("delayCompletionChance")?.Fraction(0, 1) ?? 0,
            DelayCompletionMaxMs = root.Find("delayCompletionMaxMs")?.Integer(0, MaxMs) ?? 0,
            LoseCompletionChance = root.Find("loseCompletionChance")?.Fraction(0, 1) ?? 0,
            DuplicateCompletionChance = root.Find("duplicateCompletionChance")?.Fraction(0, 1) ?? 0,
            Stalls = Windows(root.Find("stalls")),
            CounterFreezes = Windows(root.Find("counterFreezes")),
            ResetsAtMs = root.Find("resetsAtMs")?.Elements().Select(static v => v.Integer(0, MaxMs)).ToArray() ?? [],
        };
    }

    private static FaultWindow[] Windows(ConfigValue? list)
    {
        if (list is null) return [];
        return list.Elements().Select(static v =>
        {
            v.RejectUnknown("atMs", "forMs");
            return new FaultWindow(v.Get("atMs").Integer(0, MaxMs), v.Get("forMs").Integer(0, MaxMs));
        }).ToArray();
    }
}
