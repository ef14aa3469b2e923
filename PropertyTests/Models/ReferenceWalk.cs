using F = Mergeflow.PropertyTests.RefField;

namespace Mergeflow.PropertyTests;

/// <summary>
/// One walk of one packet through the tables: the actions work on the field values; what has to be done to the bytes is listed when the
/// packet leaves (OVS <c>xlate_actions</c>).
/// </summary>
internal sealed partial class ReferenceWalk
{
    private const int MaxDepth = 64;
    private const int MaxResubmits = 4096;
    private readonly ReferenceTables _tables;
    private readonly IReadOnlyCollection<uint> _ports;
    private readonly List<RefRule> _visited = [];
    private readonly Stack<(UInt128 Value, int BitCount)> _stack = new();
    private List<OfAction> _actionSet = [];
    private List<RefStep> _steps = [];
    private RefFlow _flow;
    private RefFlow _base;
    private bool _isTracked;
    private bool _failed;
    private int _depth;
    private int _resubmits;

    private ReferenceWalk(ReferenceTables tables, IReadOnlyCollection<uint> ports, RefFlow flow)
        => (_tables, _ports, _flow, _base) = (tables, ports, flow, flow.Clone());

    /// <summary>A translated address was written over: Open vSwitch compares with what was there before the translation.</summary>
    private bool _overwritesNat;

    private bool _isTranslated;

    /// <summary>Walks from table 0, or from where <paramref name="frozen"/> stopped. Returns what to do; visited rules are counted.</summary>
    public static IReadOnlyList<RefStep> Run(ReferenceTables tables, IReadOnlyCollection<uint> ports, RefFlow flow, RefFrozen? frozen, int lengthBytes, out bool overwritesNat)
    {
        var walk = new ReferenceWalk(tables, ports, flow);
        int table = 0;
        if (frozen is not null)
        {
            table = frozen.Table;
            walk._isTracked = true;
            flow[F.Metadata] = frozen.Flow[F.Metadata];
            flow[F.TunId] = frozen.Flow[F.TunId];
            flow[F.InPort] = frozen.Flow[F.InPort];
            for (int i = 0; i < 16; i++) flow[F.Reg0 + i] = frozen.Flow[F.Reg0 + i];
            foreach ((UInt128, int) item in frozen.Stack.Reverse()) walk._stack.Push(item);
            walk._actionSet = [.. frozen.ActionSet];
        }

        walk.Visit(table, table);
        if (!walk._failed && walk._actionSet.Count > 0) walk.Run(InSetOrder(walk._actionSet));
        foreach (RefRule rule in walk._visited)
        {
            rule.Packets++;
            rule.Bytes += (ulong)lengthBytes;
        }

        // What is learned holds for the next walk.
        foreach (RefRule rule in walk._learned) tables.Learn(rule);
        overwritesNat = walk._overwritesNat;
        return walk._failed ? [] : walk._steps;
    }

    /// <summary>Looks up and runs one rule; a backward jump costs depth. A miss drops.</summary>
    private void Visit(int table, int fromTable, uint? inPort = null)
    {
        RefFlow key = _flow.Clone();
        if (inPort is { } port) key[F.InPort] = port;

        // Frags are handled "normal": the ports of any fragment, the first one too, are not there for matches (ovs-ofctl set-frags).
        if (key[F.Frag] != 0) key[F.TpSrc] = key[F.TpDst] = 0;

        RefRule? rule = _tables.LookUp(table, key);
        if (rule is null) return;
        _visited.Add(rule);
        _resubmits++;
        bool deeper = table <= fromTable;
        if (deeper) _depth++;
        int outer = _table;
        _table = table;
        Run(rule.Actions);
        _table = outer;
        if (deeper) _depth--;
    }

    private void Jump(int table, uint? inPort = null)
    {
        if (_depth >= MaxDepth || _resubmits >= MaxResubmits)
        {
            _failed = true;
            return;
        }

        Visit(table, _table, inPort);
    }

    private int _table;

    /// <summary>All lists end.</summary>
    private bool _exits;

    private void Run(IReadOnlyList<OfAction> actions)
    {
        foreach (OfAction action in actions)
        {
            if (_failed || _exits || !Do(action)) return;
        }
    }

    /// <summary>Does one action; false stops the list.</summary>
    private bool Do(OfAction action)
    {
        switch (action)
        {
            case OfDrop or OfNote or OfConjunction or OfSetQueue or OfPopQueue:
                return true;
            case OfExit:
                _exits = true;
                return false;
            case OfLearn a:
                Learn(a);
                return true;
            case OfBundle a:
                Bundle(a);
                return true;
            case OfOutput a:
                Output(a.Port, a.MaxLengthBytes);
                return true;
            case OfOutputReg a:
                UInt128 port = ReadBits(a.Source);
                if (port <= 0xffff) Output((uint)port, 0);
                return true;
            case OfOutputSpecial a:
                OutputSpecial(a);
                return true;
            case OfSetField a:
                SetField(a);
                return true;
            case OfMove a:
                if (IsPresent(a.Destination.Field) && IsPresent(a.Source.Field)) WriteBits(a.Destination, ReadBits(a.Source));
                return true;
            case OfStackPush a:
                _stack.Push((ReadBits(a.Source), a.Source.BitCount));
                return true;
            case OfStackPop a:
                if (_stack.TryPop(out (UInt128 Value, int) top)) WriteBits(a.Destination, top.Value);
                return true;
            case OfPushVlan a:
                (_flow[F.Tpid1], _flow[F.Tci1]) = (_flow[F.Tpid0], _flow[F.Tci0]);
                (_flow[F.Tpid0], _flow[F.Tci0]) = (a.Tpid, 0x1000);
                return true;
            case OfPopVlan:
                if (_flow.HasTag)
                {
                    (_flow[F.Tpid0], _flow[F.Tci0]) = (_flow[F.Tpid1], _flow[F.Tci1]);
                    _flow[F.Tpid1] = _flow[F.Tci1] = 0;
                }

                return true;
            case OfDecTtl:
                if (!_flow.IsIp) return true;
                if (_flow[F.Ttl] <= 1) return false;
                _flow[F.Ttl]--;
                return true;
            case OfResubmit a:
                Resubmit(a);
                return true;
            case OfGotoTable a:
                Jump(a.Table);
                return true;
            case OfGroup a:
                return Group(a.GroupId);
            case OfClone a:
                Clone(a.Actions);
                return true;
            case OfCt a:
                Conntrack(a);
                return true;
            case OfCtClear:
                if (!_isTracked) return true;
                _isTracked = false;
                _flow.ClearConntrack();
                _steps.Add(new RefStep.CtClear());
                return true;
            case OfWriteMetadata a:
                _flow[F.Metadata] = (_flow[F.Metadata] & ~(UInt128)a.Mask) | (a.Value & a.Mask);
                return true;
            case OfSetTunnel a:
                _flow[F.TunId] = a.TunnelId;
                return true;
            case OfWriteActions a:
                _actionSet.AddRange(a.Actions);
                return true;
            case OfClearActions:
                _actionSet.Clear();
                return true;
            default:
                throw new NotSupportedException($"the model does not know {action}");
        }
    }
}
