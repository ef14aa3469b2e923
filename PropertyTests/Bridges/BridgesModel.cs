namespace Mergeflow.PropertyTests;

/// <summary>Bridges in a row as switches of their own, whose frames go from one to the next one by one: what one datapath with all of them has to do. They have their connections in common.</summary>
internal sealed class BridgesModel
{
    /// <summary>Bridges that a packet comes to one after the other; more are a loop, and Open vSwitch counts resubmissions then.</summary>
    private const int MostCrossings = 8;

    private readonly ReferenceSwitch[] _switches;
    private readonly HashSet<(int, uint)> _missing = [];
    private readonly List<(uint Port, byte[] Frame)>[] _outputs;
    private int _crossings;

    /// <param name="case">The bridges.</param>
    /// <param name="checksSequence">See <see cref="FuzzCase.ChecksSequence"/>.</param>
    public BridgesModel(BridgesCase @case, bool checksSequence)
    {
        ReferenceConntrack conntrack = new(checksSequence);
        int count = @case.Bridges.Count;
        _switches = [.. @case.Bridges.Select(_ => new ReferenceSwitch([.. Domain.Ports], conntrack) { DamagesLaterFragments = true })];
        _outputs = [.. @case.Bridges.Select(static _ => new List<(uint, byte[])>())];
        for (int i = 0; i < count; i++)
        {
            foreach (GroupMod group in @case.Bridges[i].ParseGroups()) _switches[i].Tables.Apply(group);
            foreach (FlowMod flow in @case.Bridges[i].ParseFlows()) _switches[i].Tables.Apply(flow);
            foreach (uint port in Domain.Ports)
            {
                if (!BridgesCase.IsPatch(i, port, count)) continue;
                (int from, uint fromPort, (int to, uint toPort)) = (i, port, BridgesCase.PeerOf(i, port));
                _switches[i].Patches.Add(port, (packet, depth) => Cross(from, fromPort, to, toPort, packet, depth));
            }
        }
    }

    /// <summary>Packets by ports of patches: sent by one end, received by the other.</summary>
    public Dictionary<(int Bridge, uint Port), ulong> Crossed { get; } = [];

    /// <summary>Why nothing can be said from here on; null = it can.</summary>
    public string? Ambiguity => _switches[0].Conntrack.Ambiguity ?? (_switches[0].Conntrack.HeldFragment ? "held fragment" : IsTranslated ? "translated on the way to a patch" : IsDeep ? "a loop" : _switches.Any(static s => s.TooDeep) ? "too many passes" : _switches.Any(static s => s.OverwritesNat) ? "a translated address is written over" : null);

    /// <summary>Rules of a bridge.</summary>
    public IReadOnlyList<RefRule> Rules(int bridge) => _switches[bridge].Tables.Rules;

    private bool IsDeep { get; set; }

    /// <summary>A packet has crossed that a <c>ct</c> had just translated: the next bridge's tables see it as it was before in one datapath, as in Open vSwitch, and as it is where they are apart.</summary>
    private bool IsTranslated { get; set; }

    /// <summary>What leaves at an event: ports by their numbers in the datapath.</summary>
    public List<string> Step(int bridge, FuzzEvent e)
    {
        foreach (ReferenceSwitch s in _switches) s.NowMs = e.TimeMs;
        List<(uint Port, string Hex)> sent = [];
        switch (e.Op)
        {
            case FuzzOp.Packet:
                foreach (List<(uint, byte[])> outputs in _outputs) outputs.Clear();
                _crossings = 0;
                _switches[bridge].Continue(e.Port, new ReferencePacket { Bytes = (byte[])e.Frame.Clone(), DamagesLaterFragments = true }, 0, _outputs[bridge]);
                for (int i = 0; i < _outputs.Length; i++) sent.AddRange(_outputs[i].Where(o => !_missing.Contains((i, o.Port))).Select(o => (BridgesCase.NumberOf(i, o.Port), Convert.ToHexStringLower(o.Frame))));
                break;
            case FuzzOp.FlowMods:
                foreach (string line in e.Lines) _switches[bridge].Tables.Apply(FuzzCase.Parser.ParseFlow(line));
                break;
            case FuzzOp.GroupMod:
                _switches[bridge].Tables.Apply(FuzzCase.Parser.ParseGroup(e.Lines[0]));
                break;
            case FuzzOp.PortDown:
                _missing.Add((bridge, e.Port));
                break;
            case FuzzOp.PortUp:
                _missing.Remove((bridge, e.Port));
                break;
            case FuzzOp.FlushConntrack:
                _switches[0].Conntrack.Flush(e.Zone);
                break;
        }

        return RecordedCase.PerPort(sent);
    }

    private void Cross(int from, uint fromPort, int to, uint toPort, ReferencePacket packet, int depth)
    {
        IsTranslated |= packet.IsTranslated;
        IsDeep |= ++_crossings > MostCrossings;
        if (IsDeep) return;
        Crossed[(from, fromPort)] = Crossed.GetValueOrDefault((from, fromPort)) + 1;
        _switches[to].Continue(toPort, packet, depth, _outputs[to]);
    }
}
