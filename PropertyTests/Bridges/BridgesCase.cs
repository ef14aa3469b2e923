namespace Mergeflow.PropertyTests;

/// <summary>Bridges in a row: port 4 of each is joined with port 1 of the next by a patch. All of them have the ports of <see cref="Domain"/>.</summary>
/// <param name="Bridges">Rules of each.</param>
/// <param name="Events">What happens, and at which bridge.</param>
internal sealed record BridgesCase(IReadOnlyList<FuzzCase> Bridges, IReadOnlyList<(int Bridge, FuzzEvent Event)> Events)
{
    private const uint First = 1, Last = 4;

    /// <summary>Makes one.</summary>
    /// <param name="seed">Decides everything.</param>
    /// <param name="count">Number of bridges.</param>
    /// <param name="eventCount">Most events.</param>
    /// <param name="conntrack">Rules may use <c>ct</c>.</param>
    public static BridgesCase Make(int seed, int count, int eventCount, bool conntrack)
    {
        Chance chance = new(seed);
        PipelineGenerator[] rules = [.. Enumerable.Range(0, count).Select(_ => new PipelineGenerator(chance, conntrack))];
        FuzzCase[] bridges = [.. rules.Select((r, i) => new FuzzCase($"bridge{i}", Domain.Ports, [.. r.Flows(), .. Ways(chance, i, count)], r.Groups(), []))];
        FuzzCase talk = new TrafficGenerator(chance, rules[0]).Fill(bridges[0], eventCount);
        List<(int, FuzzEvent)> events = [];
        foreach (FuzzEvent e in talk.Events)
        {
            if (e.Op is FuzzOp.FlowMods or FuzzOp.GroupMod)
            {
                int changed = chance.Below(count);
                if (chance.OneIn(6)) events.Add((changed, new FuzzEvent(e.TimeMs, FuzzOp.GroupMod) { Lines = [chance.Of(rules[changed].Groups())] }));
                else events.Add((changed, new FuzzEvent(e.TimeMs, FuzzOp.FlowMods) { Lines = [rules[changed].Modification()] }));
                continue;
            }

            // Who is at a port of the first bridge in that one's talk is at some bridge here, always at the same.
            int at = (int)e.Port * 5 % count;
            if (IsPatch(at, e.Port, count)) at = at == 0 ? count - 1 : 0;
            if (!IsPatch(at, e.Port, count)) events.Add((at, e));
        }

        return new BridgesCase(bridges, events);
    }

    /// <summary>Whether a port of a bridge is an end of a patch.</summary>
    public static bool IsPatch(int bridge, uint port, int count) => (port == Last && bridge + 1 < count) || (port == First && bridge > 0);

    /// <summary>The other end of a patch.</summary>
    public static (int Bridge, uint Port) PeerOf(int bridge, uint port) => port == Last ? (bridge + 1, First) : (bridge - 1, Last);

    /// <summary>Number of a port in the datapath: none is the one that it has in its bridge, and many are those of others.</summary>
    public static uint NumberOf(int bridge, uint port) => 1 + ((((uint)bridge * Last) + port) * 7 % 31);

    /// <summary>Beside what is random much goes from end to end.</summary>
    private static IEnumerable<string> Ways(Chance chance, int bridge, int count)
    {
        if (chance.OneIn(5)) yield break;
        if (bridge + 1 < count) yield return $"cookie=0x{9000 + bridge:x},table=0,priority=900,in_port={(bridge == 0 ? 1 + chance.Below(3) : 1)} actions={Way(chance)}output:4";
        if (bridge > 0) yield return $"cookie=0x{9100 + bridge:x},table=0,priority=901,in_port={(bridge + 1 < count ? 4 : 2 + chance.Below(3))} actions={Way(chance)}output:1";
    }

    private static string Way(Chance chance) => chance.Below(5) switch
    {
        0 => "mod_dl_src:02:00:00:00:00:dd,",
        1 => "load:7->NXM_NX_REG1[],load:9->OXM_OF_METADATA[],",
        2 => "mod_vlan_vid:5,",
        3 => "output:2,mod_dl_dst:02:00:00:00:00:ee,",
        _ => "",
    };
}
