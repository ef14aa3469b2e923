using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>A <c>learn</c> made ready for translation: where the bits of the rule come from (OVS <c>learn_execute</c>, <c>learn_mask</c>).</summary>
internal sealed unsafe class LearnProgram
{
    private readonly OfLearn _learn;
    private readonly BitRange[] _sources;

    public LearnProgram(OfLearn learn)
    {
        _learn = learn;
        _sources = [.. learn.Specs.Select(static s => s.Source is { } from ? new BitRange(from) : default)];
        SourcePatches = [.. learn.Specs.Where(static s => s.Source is not null).Select(static s => new BitRange(s.Source!.Value).Patch(UInt128.MaxValue, UInt128.MaxValue))];
    }

    /// <summary>The bits of the flow that the rule is made of.</summary>
    public FieldPatch[] SourcePatches { get; }

    /// <summary>The rule that a packet whose flow this is adds.</summary>
    public FlowMod RuleOf(byte* flow)
    {
        Match match = default;
        List<OfAction> actions = [];
        if ((_learn.FinIdleTimeoutSeconds | _learn.FinHardTimeoutSeconds) != 0) actions.Add(new OfFinTimeout(_learn.FinIdleTimeoutSeconds, _learn.FinHardTimeoutSeconds));
        for (int i = 0; i < _sources.Length; i++)
        {
            OfLearnSpec spec = _learn.Specs[i];
            UInt128 value = spec.Source is null ? spec.Value : _sources[i].Read(flow);
            switch (spec.Kind)
            {
                case OfLearnKind.Match:
                    MatchBits.Add(ref match, spec.Destination!.Value, value);
                    break;
                case OfLearnKind.Load:
                    Subfield to = spec.Destination!.Value;
                    UInt128 mask = MatchBits.Of(to) & to.Field.OwnedBits;
                    actions.Add(new OfSetField(to.Field, (value << to.Start) & mask, mask, OfSetSpelling.Load));
                    break;
                default:
                    if (OutputTo(value) is { } output) actions.Add(output);
                    break;
            }
        }

        return new FlowMod
        {
            Command = FlowModCommand.ModifyStrict,
            Table = _learn.Table,
            Priority = _learn.Priority,
            NewCookie = _learn.Cookie,
            IdleTimeoutSeconds = _learn.IdleTimeoutSeconds,
            HardTimeoutSeconds = _learn.HardTimeoutSeconds,
            Match = match,
            Actions = new EquatableList<OfAction>(actions.Count == 0 ? [new OfDrop()] : actions),
            Flags = (_learn.Flags & OfLearnFlags.SendFlowRemoved) != 0 ? FlowModFlags.SendFlowRemoved : FlowModFlags.None,
        };
    }

    /// <summary>Ports that a learned rule may send to; to others it sends nothing.</summary>
    private static OfAction? OutputTo(UInt128 value)
    {
        if (value > ushort.MaxValue) return null;
        var port = (uint)value;
        if (port < OfPorts.Max) return new OfOutput(port);
        return (OfReservedPort)port is OfReservedPort.InPort or OfReservedPort.Flood or OfReservedPort.Local or OfReservedPort.All ? new OfOutputSpecial((OfReservedPort)port) : null;
    }
}
