using System.Buffers.Binary;

namespace Mergeflow.Nic;


/// <summary>Turns actions into <see cref="NicOp"/> records and checks them against the profile and the pattern.</summary>
internal sealed class ActionCompiler(NicProfile profile, PatternCompiler pattern)
{
    /// <summary>Most bytes that a rule may grow a frame by; callers leave that much headroom.</summary>
    public const int MaxGrowthBytes = 32;

    private const int MaxTunnelHeaderBytes = 96;

    private readonly List<NicOp> _ops = [];
    private readonly List<FlowActionTunnelEncap> _encaps = [];
    private int _actionCount;

    /// <summary>What is known about the frame while the actions run.</summary>
    private record struct State(int Tags, int Labels, int PushedLabels, int Growth, int Decrements, int Ttl, bool Outputs, bool Drops, bool Samples, bool Encapsulated);

    /// <summary>A frame needs a TTL above this.</summary>
    public int MinTtl { get; private set; }

    /// <summary>Whether there is a count action.</summary>
    public bool Counts { get; private set; }

    /// <summary>What is taken off; null = nothing.</summary>
    public FlowActionTunnelDecap? Decap { get; private set; }

    /// <summary>What is put on, by the arguments of the records.</summary>
    public IReadOnlyList<FlowActionTunnelEncap> Encaps => _encaps;

    /// <summary>Compiles. Throws <see cref="FlowRejectedException"/>.</summary>
    public NicOp[] Compile(FlowRule source)
    {
        var state = new State(pattern.TagCount, pattern.LabelCount, 0, 0, 0, -1, false, false, false, false);
        Run(source.Actions, ref state, isNested: false);
        return [.. _ops];
    }

    private void Run(IReadOnlyList<FlowAction> actions, ref State s, bool isNested)
    {
        foreach (FlowAction a in actions)
        {
            if (++_actionCount > profile.MaxActions)
            {
                throw Fail(FlowErrno.NotSupported, FlowErrorType.ActionNum, a, $"more than {profile.MaxActions} actions, the most of profile {profile.Name}");
            }
            MatchSupport support = profile.SupportsAction(a.Name);
            if (support == MatchSupport.None) throw Fail(FlowErrno.NotSupported, FlowErrorType.Action, a, $"profile {profile.Name} has no action {a.Name}");
            if (support == MatchSupport.Exact && a.IsPartial)
            {
                throw Fail(FlowErrno.NotSupported, FlowErrorType.ActionConf, a, $"profile {profile.Name}: {a.Name} only writes the whole field");
            }
            if (Decap is not null) throw Fail(FlowErrno.Invalid, FlowErrorType.Action, a, $"{a.Name} behind tunnel_decap");
            if (s.Encapsulated && a is not (FlowActionPort or FlowActionCount)) throw Fail(FlowErrno.Invalid, FlowErrorType.Action, a, $"{a.Name} behind tunnel_encap");
            Add(a, ref s, isNested);
        }
        if (s.Drops && s.Outputs) throw new FlowRejectedException(new FlowError(FlowErrno.Invalid, FlowErrorType.Action, "drop and port_id in one list") { Subject = "drop" });
        if (!s.Drops && !s.Outputs && !s.Samples) throw new FlowRejectedException(new FlowError(FlowErrno.Invalid, FlowErrorType.Action, "no fate: port_id, drop or sample is missing"));
    }

    private void Add(FlowAction action, ref State s, bool isNested)
    {
        switch (action)
        {
            case FlowActionSetMacDst a:
                Emit(NicOpCode.SetEth, 0, (UInt128)(a.Mac.Value & 0xffff_ffff_ffff) << 80, (UInt128)(a.Mac.Mask & 0xffff_ffff_ffff) << 80);
                break;
            case FlowActionSetMacSrc a:
                Emit(NicOpCode.SetEth, 0, (UInt128)(a.Mac.Value & 0xffff_ffff_ffff) << 32, (UInt128)(a.Mac.Mask & 0xffff_ffff_ffff) << 32);
                break;
            case FlowActionSetIpv4Src a:
                Need(action, s, NicHeaders.Ipv4, "ipv4");
                Emit(NicOpCode.SetIpv4, 12, (UInt128)a.Addr.Value << 96, (UInt128)a.Addr.Mask << 96);
                break;
            case FlowActionSetIpv4Dst a:
                Need(action, s, NicHeaders.Ipv4, "ipv4");
                Emit(NicOpCode.SetIpv4, 16, (UInt128)a.Addr.Value << 96, (UInt128)a.Addr.Mask << 96);
                break;
            case FlowActionSetIpv6Src a:
                Need(action, s, NicHeaders.Ipv6, "ipv6");
                Emit(NicOpCode.SetIpv6, 8, a.Addr.Value, a.Addr.Mask);
                break;
            case FlowActionSetIpv6Dst a:
                Need(action, s, NicHeaders.Ipv6, "ipv6");
                Emit(NicOpCode.SetIpv6, 24, a.Addr.Value, a.Addr.Mask);
                break;
            case FlowActionSetTpSrc a:
                Need(action, s, NicHeaders.Tcp | NicHeaders.Udp, "tcp or udp");
                Emit(NicOpCode.SetPort, 0, (UInt128)a.Port.Value << 112, (UInt128)a.Port.Mask << 112);
                break;
            case FlowActionSetTpDst a:
                Need(action, s, NicHeaders.Tcp | NicHeaders.Udp, "tcp or udp");
                Emit(NicOpCode.SetPort, 2, (UInt128)a.Port.Value << 112, (UInt128)a.Port.Mask << 112);
                break;
            case FlowActionSetTtl a:
                Need(action, s, NicHeaders.Ipv4 | NicHeaders.Ipv6, "ipv4 or ipv6");
                Emit(NicOpCode.SetTtl, a.Ttl, 0, 0);
                s.Ttl = a.Ttl;
                break;
            case FlowActionDecTtl:
                Need(action, s, NicHeaders.Ipv4 | NicHeaders.Ipv6, "ipv4 or ipv6");
                if (s.Ttl is 0 or 1) throw Fail(FlowErrno.Invalid, FlowErrorType.Action, action, "dec_ttl of a TTL that set_ttl made 0 or 1");
                if (s.Ttl > 0) s.Ttl--;
                else MinTtl = Math.Max(MinTtl, ++s.Decrements);
                Emit(NicOpCode.DecTtl, 0, 0, 0);
                break;
            case FlowActionSetTos a:
                Need(action, s, NicHeaders.Ipv4 | NicHeaders.Ipv6, "ipv4 or ipv6");
                Emit(NicOpCode.SetTos, 0, (UInt128)a.Tos.Value << 120, (UInt128)a.Tos.Mask << 120);
                break;
            case FlowActionOfPushVlan a:
                if (a.Tpid is not (0x8100 or 0x88a8)) throw Fail(FlowErrno.Invalid, FlowErrorType.ActionConf, action, $"TPID 0x{a.Tpid:x4} is neither 0x8100 nor 0x88a8");
                s.Tags++;
                Grow(action, ref s, 4);
                Emit(NicOpCode.PushVlan, a.Tpid, 0, 0);
                break;
            case FlowActionOfPopVlan:
                if (s.Tags == 0) throw Fail(FlowErrno.Invalid, FlowErrorType.Action, action, "of_pop_vlan without a tag that the pattern or a push guarantees");
                s.Tags--;
                s.Growth -= 4;
                Emit(NicOpCode.PopVlan, 0, 0, 0);
                break;
            case FlowActionOfSetVlanTci a:
                if (s.Tags == 0) throw Fail(FlowErrno.Invalid, FlowErrorType.Action, action, "of_set_vlan_tci without a tag that the pattern or a push guarantees");
                Emit(NicOpCode.SetVlanTci, 0, (UInt128)a.Tci.Value << 112, (UInt128)a.Tci.Mask << 112);
                break;
            case FlowActionOfPushMpls a:
                CheckMplsType(action, a.EthType);
                s.Labels++;
                s.PushedLabels++;
                Grow(action, ref s, 4);
                Emit(NicOpCode.PushMpls, a.EthType, (UInt128)a.Lse << 96, UInt128.MaxValue);
                break;
            case FlowActionOfPopMpls a:
                if (s.Labels == 0) throw Fail(FlowErrno.Invalid, FlowErrorType.Action, action, "of_pop_mpls without a label that the pattern or a push guarantees");
                s.Labels--;
                s.PushedLabels--;
                s.Growth -= 4;
                Emit(NicOpCode.PopMpls, a.EthType, 0, 0);
                break;
            case FlowActionOfSetMpls a:
                if (s.Labels == 0) throw Fail(FlowErrno.Invalid, FlowErrorType.Action, action, "of_set_mpls without a label that the pattern or a push guarantees");
                Emit(NicOpCode.SetMpls, 0, (UInt128)a.Lse.Value << 96, (UInt128)a.Lse.Mask << 96);
                break;
            case FlowActionPort a:
                s.Outputs = true;
                Emit(NicOpCode.Output, a.Port, 0, 0);
                break;
            case FlowActionDrop:
                s.Drops = true;
                break;
            case FlowActionCount:
                if (isNested) throw Fail(FlowErrno.Invalid, FlowErrorType.Action, action, "count inside a sample");
                Counts = true;
                break;
            case FlowActionSample a:
                if (isNested) throw Fail(FlowErrno.Invalid, FlowErrorType.Action, action, "sample inside a sample");
                s.Samples = true;
                int at = _ops.Count;
                Emit(NicOpCode.Sample, 0, 0, 0);
                State nested = s with { Outputs = false, Drops = false, Samples = false };
                Run(a.Actions, ref nested, isNested: true);
                NicOp op = _ops[at];
                op.NestedCount = _ops.Count - at - 1;
                _ops[at] = op;
                break;
            case FlowActionTunnelDecap a:
                if (isNested || s.Outputs || s.Samples || _ops.Count > 0) throw Fail(FlowErrno.Invalid, FlowErrorType.Action, action, "tunnel_decap behind another action");
                s.Outputs = true;
                Decap = a;
                Emit(NicOpCode.TunnelDecap, a.Port, 0, 0);
                break;
            case FlowActionTunnelEncap a:
                if (a.Header.Count is 0 or > MaxTunnelHeaderBytes) throw Fail(FlowErrno.Invalid, FlowErrorType.ActionConf, action, $"outer headers of {a.Header.Count} bytes");
                s.Encapsulated = true;
                Emit(NicOpCode.TunnelEncap, (uint)_encaps.Count, 0, 0);
                _encaps.Add(a);
                break;
            default:
                throw Fail(FlowErrno.NotSupported, FlowErrorType.Action, action, $"unknown action {action.Name}");
        }
    }

    /// <summary>The header must be guaranteed by the pattern, and not be hidden behind a label.</summary>
    private void Need(FlowAction action, in State s, NicHeaders any, string item)
    {
        if ((pattern.Required & any) == 0) throw Fail(FlowErrno.Invalid, FlowErrorType.Action, action, $"{action.Name} needs an item {item} in the pattern");
        if (s.PushedLabels != 0) throw Fail(FlowErrno.NotSupported, FlowErrorType.Action, action, $"{action.Name} behind of_push_mpls");
    }

    private static void CheckMplsType(FlowAction action, ushort type)
    {
        if (type is not (0x8847 or 0x8848)) throw Fail(FlowErrno.Invalid, FlowErrorType.ActionConf, action, $"ethertype 0x{type:x4} is neither 0x8847 nor 0x8848");
    }

    private static void Grow(FlowAction action, ref State s, int bytes)
    {
        s.Growth += bytes;
        if (s.Growth > MaxGrowthBytes) throw Fail(FlowErrno.NotSupported, FlowErrorType.Action, action, $"frame grows by more than {MaxGrowthBytes} bytes");
    }

    /// <summary>Value and mask are left-aligned in 128 bits.</summary>
    private void Emit(NicOpCode code, uint argument, UInt128 value, UInt128 mask)
    {
        var op = new NicOp { Code = code, Argument = argument };
        BinaryPrimitives.WriteUInt128BigEndian(op.Value, value & mask);
        BinaryPrimitives.WriteUInt128BigEndian(op.Mask, mask);
        _ops.Add(op);
    }

    private static FlowRejectedException Fail(FlowErrno errno, FlowErrorType type, FlowAction action, string message)
        => new(new FlowError(errno, type, message) { Subject = action.Name });
}
