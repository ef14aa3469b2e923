namespace Mergeflow.Perf;

/// <summary>What the measured datapath was made of, where a different size or quirk would give another figure.</summary>
/// <param name="Quirks">Whose faults are repeated; <c>none</c> is what ships.</param>
/// <param name="EmcEntries">Entries of the exact-match cache; 0 = off.</param>
/// <param name="Packets">Packets that can be in flight.</param>
/// <param name="Megaflows">Most megaflows.</param>
/// <param name="Connections">Most connections.</param>
/// <param name="MergedRules">Most merged rules of the soft device.</param>
/// <param name="SubtableLimit">Subtables from which on new masks are whole addresses and ports; absent = none.</param>
public sealed record DatapathInfo(string Quirks, int EmcEntries, int Packets, int Megaflows, int Connections, int MergedRules, int? SubtableLimit)
{
    /// <summary>Of a datapath that runs.</summary>
    public static DatapathInfo Of(DatapathOptions options) => new(
        options.Quirks.Name,
        options.CacheOn ? options.EmcEntryCount : 0,
        options.PacketCapacity,
        options.MegaflowCapacity,
        options.ConnectionCapacity,
        options.MergedCapacity,
        options.Quirks.UnboundedSubtables || options.SubtableLimit == int.MaxValue ? null : options.SubtableLimit);

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"quirks {Quirks}, exact-match cache {(EmcEntries == 0 ? "off" : $"{EmcEntries:N0} entries")}, at most {Packets:N0} packets, {Megaflows:N0} megaflows, {Connections:N0} connections, {MergedRules:N0} merged rules, {(SubtableLimit is int n ? $"{n:N0}" : "any number of")} subtables");
}
