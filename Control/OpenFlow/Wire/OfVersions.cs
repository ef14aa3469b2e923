using System.Numerics;

namespace Mergeflow.Control.OpenFlow;

/// <summary>Sets of versions: bit n = version n.</summary>
internal static class OfVersions
{
    /// <summary>As Open vSwitch says it to the other side (<c>version_bitmap_to_string</c>).</summary>
    public static string Text(uint versions)
    {
        if (versions == 0) return "no versions";
        int last = BitOperations.Log2(versions);
        if (BitOperations.IsPow2(versions)) return $"version 0x{last:x2}";
        if (BitOperations.IsPow2((versions >> 1) + 1)) return $"version 0x{last:x2} and earlier";
        return "versions " + string.Join(", ", Enumerable.Range(0, last + 1).Where(v => ((versions >> v) & 1) != 0).Select(static v => $"0x{v:x2}"));
    }
}
