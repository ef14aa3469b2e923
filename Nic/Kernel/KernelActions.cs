using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Mergeflow.Nic;

/// <summary>The actions of a rule as the program carries them out: each field is written at most once, tags change by one, one output.</summary>
internal sealed class KernelActions
{
    private readonly byte[] _body = new byte[KernelLayout.SlotBytes];
    private KernelFlags _flags;
    private uint _port = KernelLayout.NoPort;

    private KernelActions()
    {
    }

    /// <summary>Where frames leave; <see cref="KernelLayout.NoPort"/> = they are dropped.</summary>
    public uint OutPort => _port;

    /// <summary>By how much a frame grows.</summary>
    public int TagChangeBytes => (_flags & KernelFlags.PushTag) != 0 ? 4 : (_flags & KernelFlags.PopTag) != 0 ? -4 : 0;

    /// <summary>A tag that is there is changed.</summary>
    public bool SetsTag => (_flags & KernelFlags.SetTag) != 0;

    /// <summary>Addresses of IPv4 or IPv6 are written.</summary>
    public bool SetsIp => (_flags & (KernelFlags.SetIpSrc | KernelFlags.SetIpDst)) != 0;

    /// <summary>The slot without key, counters and life.</summary>
    public ReadOnlySpan<byte> Body => _body;

    /// <summary>Null and what goes into a slot, or why the program cannot do it.</summary>
    public static FlowError? TryCompile(CompiledRule rule, out KernelActions? actions)
    {
        actions = new KernelActions();
        if (!KernelTemplate.Fits(ref rule.Mask))
        {
            return new FlowError(FlowErrno.NotSupported, FlowErrorType.ItemMask, "the kernel's table has no labels, ARP or neighbour discovery") { Subject = "mpls" };
        }

        foreach (NicOp op in rule.Ops)
        {
            NicOp o = op;
            if (actions.Add(ref o) is { } subject)
            {
                actions = null;
                return new FlowError(FlowErrno.NotSupported, FlowErrorType.Action, $"the kernel's program cannot carry out {subject}") { Subject = subject };
            }
        }

        Span<byte> body = actions._body;
        body[KernelLayout.MinTtl] = rule.MinTtl;
        if (rule.Counts) actions._flags |= KernelFlags.Count;
        MemoryMarshal.Write(body[KernelLayout.Port..], in actions._port);
        int flags = (int)actions._flags;
        MemoryMarshal.Write(body[KernelLayout.Flags..], in flags);
        return null;
    }

    private string? Add(ref NicOp op)
    {
        if (_port != KernelLayout.NoPort) return "several outputs";
        switch (op.Code)
        {
            case NicOpCode.SetEth:
                return Eth(op.Value[..6], op.Mask[..6], KernelFlags.SetEthDst, KernelLayout.EthDst, "set_mac_dst")
                    ?? Eth(op.Value.Slice(6, 6), op.Mask.Slice(6, 6), KernelFlags.SetEthSrc, KernelLayout.EthSrc, "set_mac_src");
            case NicOpCode.SetIpv4:
                return Whole(op, 4, op.Argument == 12 ? KernelFlags.SetIpSrc : KernelFlags.SetIpDst, op.Argument == 12 ? KernelLayout.Ipv4Src : KernelLayout.Ipv4Dst, "set_ipv4");
            case NicOpCode.SetIpv6:
                return Whole(op, 16, op.Argument == 8 ? KernelFlags.SetIpSrc : KernelFlags.SetIpDst, op.Argument == 8 ? KernelLayout.Ipv6Src : KernelLayout.Ipv6Dst, "set_ipv6");
            case NicOpCode.SetPort:
                return Whole(op, 2, op.Argument == 0 ? KernelFlags.SetTpSrc : KernelFlags.SetTpDst, op.Argument == 0 ? KernelLayout.TpSrc : KernelLayout.TpDst, "set_tp");
            case NicOpCode.SetTtl:
                if ((_flags & KernelFlags.DecTtl) != 0) return "set_ttl behind dec_ttl";
                _body[KernelLayout.Ttl] = (byte)op.Argument;
                return Once(KernelFlags.SetTtl, "set_ttl");
            case NicOpCode.DecTtl:
                if ((_flags & KernelFlags.SetTtl) != 0) return "dec_ttl behind set_ttl";
                _body[KernelLayout.TtlDecrement]++;
                _flags |= KernelFlags.DecTtl;
                return null;
            case NicOpCode.SetTos:
                (_body[KernelLayout.Tos], _body[KernelLayout.TosMask]) = (op.Value[0], op.Mask[0]);
                return Once(KernelFlags.SetTos, "set_tos");
            case NicOpCode.PushVlan:
                if ((_flags & (KernelFlags.SetTag | KernelFlags.PopTag)) != 0) return "of_push_vlan behind another change of tags";
                BinaryPrimitives.WriteUInt16BigEndian(_body.AsSpan(KernelLayout.Tpid), (ushort)op.Argument);
                return Once(KernelFlags.PushTag, "of_push_vlan");
            case NicOpCode.PopVlan:
                if ((_flags & (KernelFlags.SetTag | KernelFlags.PushTag)) != 0) return "of_pop_vlan behind another change of tags";
                return Once(KernelFlags.PopTag, "of_pop_vlan");
            case NicOpCode.SetVlanTci:
                return SetTci(op.Value[..2], op.Mask[..2]);
            case NicOpCode.Output:
                _port = op.Argument;
                return _port == KernelLayout.NoPort ? $"port {op.Argument}" : null;
            default:
                return op.Code == NicOpCode.Sample ? "sample" : op.Code.ToString();
        }
    }

    /// <summary>The tag of a push is written with it; of one that was there, the bits of the mask.</summary>
    private string? SetTci(ReadOnlySpan<byte> value, ReadOnlySpan<byte> mask)
    {
        if ((_flags & KernelFlags.PopTag) != 0) return "of_set_vlan_tci behind of_pop_vlan";
        Span<byte> tci = _body.AsSpan(KernelLayout.Tci, 2);
        if ((_flags & KernelFlags.PushTag) != 0)
        {
            for (int i = 0; i < 2; i++) tci[i] = (byte)((tci[i] & ~mask[i]) | value[i]);
            return null;
        }

        value.CopyTo(tci);
        mask.CopyTo(_body.AsSpan(KernelLayout.TciMask));
        return Once(KernelFlags.SetTag, "of_set_vlan_tci");
    }

    private string? Eth(ReadOnlySpan<byte> value, ReadOnlySpan<byte> mask, KernelFlags flag, int at, string name)
    {
        if (!mask.ContainsAnyExcept((byte)0)) return null;
        if (mask.ContainsAnyExcept((byte)0xff)) return $"{name} of some bits";
        value.CopyTo(_body.AsSpan(at));
        return Once(flag, name);
    }

    private string? Whole(NicOp op, int size, KernelFlags flag, int at, string name)
    {
        if (op.Mask[..size].ContainsAnyExcept((byte)0xff)) return $"{name} of some bits";
        op.Value[..size].CopyTo(_body.AsSpan(at));
        return Once(flag, name);
    }

    /// <summary>Two writes of one field would not leave the checksum that the last one leaves.</summary>
    private string? Once(KernelFlags flag, string name)
    {
        if ((_flags & flag) != 0) return $"{name} twice";
        _flags |= flag;
        return null;
    }
}
