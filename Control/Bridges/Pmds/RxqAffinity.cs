using System.Globalization;

namespace Mergeflow.Control.Bridges;

/// <summary>Which processor each receive queue of a port is pinned to: <c>QUEUE:CPU,QUEUE:CPU...</c> (<c>other_config:pmd-rxq-affinity</c> of <c>Interface</c>).</summary>
public static class RxqAffinity
{
    private static readonly char[] s_betweenPairs = [',', ' '];
    private static readonly char[] s_inPair = [':', '='];

    /// <summary>Reads it; empty = no queue is pinned, null = the text is wrong, and pins nothing.</summary>
    public static IReadOnlyDictionary<int, int>? Parse(string? text)
    {
        Dictionary<int, int> cpuOf = [];
        foreach (string pair in (text ?? "").Split(s_betweenPairs, StringSplitOptions.RemoveEmptyEntries))
        {
            if (pair.Split(s_inPair) is not [var queue, var cpu] || !TryNumber(queue, out int q) || !TryNumber(cpu, out int c)) return null;
            cpuOf[q] = c;
        }

        return cpuOf;
    }

    private static bool TryNumber(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
