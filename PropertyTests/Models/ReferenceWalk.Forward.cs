using F = Mergeflow.PropertyTests.RefField;

namespace Mergeflow.PropertyTests;

internal sealed partial class ReferenceWalk
{
    private void Output(uint port, int maxLengthBytes)
    {
        if (port == 0xfff8) Send((uint)_flow[F.InPort], maxLengthBytes);
        else if (port != _flow[F.InPort]) Send(port, maxLengthBytes);
    }

    private void OutputSpecial(OfOutputSpecial a)
    {
        switch (a.Port)
        {
            case OfReservedPort.InPort:
                Send((uint)_flow[F.InPort], a.MaxLengthBytes);
                break;
            case OfReservedPort.Flood or OfReservedPort.All:
                foreach (uint port in _ports.Where(p => p != _flow[F.InPort])) Send(port, a.MaxLengthBytes);
                break;
            case OfReservedPort.Table:
                Jump(0);
                break;
            case OfReservedPort.Controller or OfReservedPort.None or OfReservedPort.Local:
                break;
            default:
                throw new NotSupportedException($"the model does not have {a.Port}");
        }
    }

    private void Send(uint port, int maxLengthBytes)
    {
        if (!_ports.Contains(port)) return;
        Commit();
        _steps.Add(new RefStep.Output(port, maxLengthBytes));
    }

    private void Resubmit(OfResubmit a)
    {
        if (a.WithCtTuple) throw new NotSupportedException("the model does not swap the tuple");
        uint? inPort = a.InPort is null or 0xfff8 ? null : a.InPort;
        Jump(a.Table ?? _table, inPort);
    }

    /// <summary>Every bucket is an action set that works on a copy of the fields; false if there is no such group.</summary>
    private bool Group(uint id)
    {
        if (_depth >= MaxDepth || _resubmits >= MaxResubmits)
        {
            _failed = true;
            return true;
        }

        if (_tables.Group(id) is not { } group) return false;
        IEnumerable<GroupBucket> buckets = group.Type switch
        {
            GroupType.All or GroupType.Indirect => group.Buckets,
            GroupType.FastFailover => group.Buckets.Where(b => b.WatchPort is { } p && _ports.Contains(p)).Take(1),
            _ => group.Buckets.Where(b => b.Weight > 0),
        };
        List<GroupBucket> chosen = [.. buckets];
        if (group.Type == GroupType.Select && chosen.Count > 1) throw new NotSupportedException("the model does not choose between buckets");
        foreach (GroupBucket bucket in chosen)
        {
            RefFlow saved = _flow.Clone();
            _depth++;
            Run(InSetOrder(bucket.Actions));
            _depth--;
            _exits = false;
            _flow = saved;
        }

        return true;
    }

    private void Clone(IReadOnlyList<OfAction> actions)
    {
        (RefFlow flow, RefFlow @base, bool tracked, List<RefStep> steps, List<OfAction> set) =
            (_flow.Clone(), _base.Clone(), _isTracked, _steps, [.. _actionSet]);
        (UInt128, int)[] stack = [.. _stack.Reverse()];
        _steps = [];
        Run(actions);
        if (!_failed && _actionSet.Count > 0) Run(InSetOrder(_actionSet));
        steps.Add(new RefStep.OnCopy(_steps));
        (_flow, _base, _isTracked, _steps, _actionSet) = (flow, @base, tracked, steps, set);
        _stack.Clear();
        foreach ((UInt128, int) item in stack) _stack.Push(item);
    }

    /// <summary>
    /// An action set: of each kind the last one, in a fixed order; changes of fields in the order they were written; nothing at all without
    /// something that forwards (OpenFlow 1.5 section 5.6).
    /// </summary>
    private static List<OfAction> InSetOrder(IReadOnlyList<OfAction> set)
    {
        OfAction? final = null;
        foreach (OfAction a in set)
        {
            if (FinalClass(a) > 0 && FinalClass(a) >= FinalClass(final)) final = a;
        }

        if (final is null) return [];
        List<OfAction> list = [];
        foreach (Type kind in (Type[])[typeof(OfPopVlan), typeof(OfPushVlan), typeof(OfDecTtl)])
        {
            if (set.LastOrDefault(a => a.GetType() == kind) is { } last) list.Add(last);
        }

        list.AddRange(set.Where(a => a is OfSetField or OfMove or OfSetTunnel));
        list.Add(final);
        return list;
    }

    private static int FinalClass(OfAction? action) => action switch
    {
        OfCt => 1,
        OfCtClear => 2,
        OfResubmit => 3,
        OfOutput { MaxLengthBytes: 0 } or OfOutputSpecial => 4,
        OfGroup => 5,
        _ => 0,
    };

    private void Conntrack(OfCt a)
    {
        ushort zone = a.ZoneSource is { } source ? (ushort)ReadBits(source) : a.Zone;
        Commit();
        (uint mark, uint markMask, UInt128 label, UInt128 labelMask) = Exec(a.Exec);
        RefNat? nat = a.Nat is not { } n ? null : new RefNat(
            n.Kind switch { NatKind.Src => true, NatKind.Dst => false, _ => null }, n.AddrMin, n.PortMin);
        if (a.Nat is { } range && (range.AddrMax != range.AddrMin || range.PortMax != range.PortMin)) throw new NotSupportedException("NAT range");
        _isTranslated |= nat is not null;
        _steps.Add(new RefStep.Ct(new RefCtAction(a.Commit, a.Force, zone, mark, markMask, label, labelMask, nat)));
        if (a.Table is { } table)
        {
            _steps.Add(new RefStep.Recirculate(new RefFrozen(table, _flow.Clone(), [.. _stack], [.. _actionSet])));
        }

        _flow.ClearConntrack();
        _isTracked = false;
    }

    private (uint Mark, uint MarkMask, UInt128 Label, UInt128 LabelMask) Exec(IReadOnlyList<OfAction> exec)
    {
        UInt128 markMask = 0, labelMask = 0;
        foreach (OfAction action in exec)
        {
            (FieldId id, UInt128 mask) = action switch
            {
                OfSetField s => (s.Field.Id, s.Mask),
                OfMove m => (m.Destination.Field.Id, BitsOf(m.Destination)),
                _ => throw new NotSupportedException($"{action} in exec"),
            };
            if (id == FieldId.CtMark) markMask |= mask;
            else labelMask |= mask;
            Do(action);
        }

        return ((uint)_flow[F.CtMark], (uint)markMask, _flow[F.CtLabel], labelMask);
    }
}
