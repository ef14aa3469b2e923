namespace Mergeflow.PropertyTests;

/// <summary>
/// The whole switch as an interpreter: every packet walks the tables by linear search, pass after pass; there is no cache, no megaflow and
/// no offload. Slow and obvious on purpose: this is what the engine is judged by.
/// </summary>
internal sealed class ReferenceSwitch
{
    private const int MaxPasses = 6;
    private readonly IReadOnlyCollection<uint> _ports;
    private List<(uint Port, byte[] Frame)> _outputs = [];

    public ReferenceSwitch(IReadOnlyCollection<uint> ports, ReferenceConntrack conntrack) => (_ports, Conntrack) = (ports, conntrack);

    public ReferenceTables Tables { get; } = new();

    public ReferenceConntrack Conntrack { get; }

    /// <summary>See <see cref="ReferencePacket.DamagesLaterFragments"/>.</summary>
    public bool DamagesLaterFragments { get; init; }

    /// <summary>See <see cref="ReferencePacket.LeavesAtomicChecksums"/>.</summary>
    public bool LeavesAtomicChecksums { get; init; }

    /// <summary>Ports that lead to another switch, and what goes on there with a packet, which is its own copy; the number says after how many passes.</summary>
    public Dictionary<uint, Action<ReferencePacket, int>> Patches { get; } = [];

    /// <summary>The virtual clock, ms.</summary>
    public long NowMs
    {
        get;
        set
        {
            if (value != field) Conntrack.Look(value);
            field = value;
        }
    }

    /// <summary>A packet was recirculated more often than Open vSwitch does.</summary>
    public bool TooDeep { get; private set; }

    /// <summary>Rules wrote over an address that <c>ct</c> had just translated: what comes out then depends on what was there before.</summary>
    public bool OverwritesNat { get; private set; }

    /// <summary>ct_state values that packets had at the start of a later pass, for statistics.</summary>
    public Dictionary<int, int> StatesSeen { get; } = [];

    public IReadOnlyList<(uint Port, byte[] Frame)> Receive(uint port, ReadOnlySpan<byte> frame)
    {
        _outputs = [];
        Pass(new ReferencePacket { Bytes = frame.ToArray(), InPort = port, DamagesLaterFragments = DamagesLaterFragments, LeavesAtomicChecksums = LeavesAtomicChecksums }, null, 0);
        return _outputs;
    }

    /// <summary>
    /// A packet comes from another switch: what it was there is forgotten, but for the connection that the datapath keeps beside it, which only the next <c>ct</c> looks at. What leaves goes to where that
    /// switch's does.
    /// </summary>
    public void Continue(uint port, ReferencePacket packet, int depth, List<(uint Port, byte[] Frame)> outputs)
    {
        List<(uint Port, byte[] Frame)> before = _outputs;
        _outputs = outputs;
        Pass(packet.At(port), null, depth, hidesConnection: true);
        _outputs = before;
    }

    private void Pass(ReferencePacket packet, RefFrozen? frozen, int depth, bool hidesConnection = false)
    {
        packet.IsTranslated = false;
        RefFlow flow = packet.Parse();
        for (RefField field = RefField.CtState; hidesConnection && field <= RefField.CtTpDst; field++) flow[field] = 0;
        if (frozen is not null) StatesSeen[packet.CtState] = StatesSeen.GetValueOrDefault(packet.CtState) + 1;
        IReadOnlyList<RefStep> steps = ReferenceWalk.Run(Tables, _ports, flow, frozen, packet.Bytes.Length, out bool overwritesNat);
        OverwritesNat |= overwritesNat;
        Execute(packet, packet.Parse(), steps, depth);
    }

    private void Execute(ReferencePacket packet, RefFlow arrived, IReadOnlyList<RefStep> steps, int depth)
    {
        foreach (RefStep step in steps)
        {
            switch (step)
            {
                case RefStep.Edit e:
                    e.Apply(packet);
                    break;
                case RefStep.Output o when Patches.TryGetValue(o.Port, out Action<ReferencePacket, int>? through):
                    through(packet.Clone(), depth);
                    break;
                case RefStep.Output o:
                    int length = o.MaxLengthBytes == 0 ? packet.Bytes.Length : Math.Min(o.MaxLengthBytes, packet.Bytes.Length);
                    _outputs.Add((o.Port, packet.Bytes[..length]));
                    break;
                case RefStep.CtClear:
                    packet.ClearConntrack();
                    break;
                case RefStep.Ct ct:
                    byte[] before = [.. packet.Bytes];
                    if (!Conntrack.Execute(packet, arrived, ct.Action, NowMs)) return;
                    packet.IsTranslated |= !packet.Bytes.AsSpan().SequenceEqual(before);
                    break;
                case RefStep.OnCopy c:
                    Execute(packet.Clone(), arrived, c.Steps, depth);
                    break;
                case RefStep.Recirculate when depth >= MaxPasses:
                    TooDeep = true;
                    break;
                case RefStep.Recirculate r:
                    Pass(packet.Clone(), r.Frozen, depth + 1);
                    break;
            }
        }
    }
}
