using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Mergeflow.Nic;

/// <summary>The actions of a rule as the program carries them out: in front of each output each field is written at most once, and tags change by one.</summary>
internal sealed class KernelActions
{
    private const int TailBytes = 8;

    private readonly byte[] _body = new byte[KernelLayout.SlotBytes];
    private KernelFlags _flags;
    private KernelFront _front;
    private uint _port = KernelLayout.NoPort;

    private KernelActions()
    {
    }

    /// <summary>Where frames leave; <see cref="KernelLayout.NoPort"/> = they are dropped.</summary>
    public uint OutPort => _port;

    /// <summary>What comes behind the output: another one, on the frame as it is then. Null = nothing.</summary>
    public KernelActions? Next { get; private set; }

    /// <summary>What is taken off; null = nothing.</summary>
    public FlowActionTunnelDecap? Decap { get; private set; }

    /// <summary>What is put on; null = nothing.</summary>
    public FlowActionTunnelEncap? Encap { get; private set; }

    /// <summary>What the program has to know.</summary>
    public KernelFeatures Features => (Decap is null ? 0 : KernelFeatures.Decap) | (Encap is null ? 0 : KernelFeatures.Encap | ((_front & KernelFront.Ipv6) == 0 ? 0 : KernelFeatures.EncapIpv6)) | (Next is null ? 0 : KernelFeatures.Several | Next.Features);

    /// <summary>By how much a frame grows, outer headers apart.</summary>
    public int TagChangeBytes => (_flags & KernelFlags.PushTag) != 0 ? 4 : (_flags & KernelFlags.PopTag) != 0 ? -4 : 0;

    /// <summary>Bytes of the outer headers.</summary>
    public int FrontBytes => Encap?.Header.Count ?? 0;

    /// <summary>A tag that is there is changed, or there are outer headers.</summary>
    public bool UsesTail => (_flags & (KernelFlags.SetTag | KernelFlags.Encap)) != 0;

    /// <summary>Addresses of IPv4 or IPv6 are written, or it says what is inside.</summary>
    public bool UsesAddresses => (_flags & (KernelFlags.SetIpSrc | KernelFlags.SetIpDst | KernelFlags.Decap)) != 0;

    /// <summary>The slot without key, counters and life.</summary>
    public ReadOnlySpan<byte> Body => _body;

    /// <summary>Where the tail lies in the body.</summary>
    public static Range Tail => KernelLayout.TciMask..(KernelLayout.TciMask + TailBytes);

    /// <summary>Null and what goes into a slot, or why the program cannot do it.</summary>
    public static FlowError? TryCompile(CompiledRule rule, out KernelActions? actions)
    {
        actions = new KernelActions();
        if (!KernelTemplate.Fits(ref rule.Mask))
        {
            return new FlowError(FlowErrno.NotSupported, FlowErrorType.ItemMask, "the kernel's table has no labels, ARP or neighbour discovery") { Subject = "mpls" };
        }

        KernelActions last = actions;
        int outputs = 0;
        foreach (NicOp op in rule.Ops)
        {
            NicOp o = op;
            if (last._port != KernelLayout.NoPort) last = last.Next = new KernelActions();
            string? subject = o.Code == NicOpCode.Output && ++outputs > KernelLayout.MaxOutputs ? $"more than {KernelLayout.MaxOutputs} outputs" : last.Add(ref o, rule, isFirst: last == actions);
            if (subject is not null)
            {
                actions = null;
                return new FlowError(FlowErrno.NotSupported, FlowErrorType.Action, $"the kernel's program cannot carry out {subject}") { Subject = subject };
            }
        }

        for (KernelActions? a = actions; a is not null; a = a.Next)
        {
            // What is changed behind the last output has no effect.
            if (a.Next is { _port: KernelLayout.NoPort }) a.Next = null;
            if (a.Encap is not null && (a.Next is not null || a != actions)) return Refused(ref actions, "tunnel_encap beside another output");
            a.Finish(rule);
        }

        return null;
    }

    private static FlowError Refused(ref KernelActions? actions, string subject)
    {
        actions = null;
        return new FlowError(FlowErrno.NotSupported, FlowErrorType.Action, $"the kernel's program cannot carry out {subject}") { Subject = subject };
    }

    private void Finish(CompiledRule rule)
    {
        Span<byte> body = _body;
        body[KernelLayout.MinTtl] = rule.MinTtl;
        if (rule.Counts) _flags |= KernelFlags.Count;
        if (Next is not null) _flags |= KernelFlags.Several;
        MemoryMarshal.Write(body[KernelLayout.Port..], in _port);
        int flags = (int)_flags;
        MemoryMarshal.Write(body[KernelLayout.Flags..], in flags);
    }

    private string? Add(ref NicOp op, CompiledRule rule, bool isFirst)
    {
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
                if (!isFirst && !rule.IsUntagged) return "of_push_vlan behind an output";
                BinaryPrimitives.WriteUInt16BigEndian(_body.AsSpan(KernelLayout.Tpid), (ushort)op.Argument);
                return Once(KernelFlags.PushTag, "of_push_vlan");
            case NicOpCode.PopVlan:
                if ((_flags & (KernelFlags.SetTag | KernelFlags.PushTag)) != 0) return "of_pop_vlan behind another change of tags";
                if (!isFirst && !rule.IsUntagged) return "of_pop_vlan behind an output";
                return Once(KernelFlags.PopTag, "of_pop_vlan");
            case NicOpCode.SetVlanTci:
                if (!isFirst && (_flags & KernelFlags.PushTag) == 0) return "of_set_vlan_tci behind an output";
                return SetTci(op.Value[..2], op.Mask[..2]);
            case NicOpCode.TunnelDecap:
                return TakeOff(rule.Decap!, rule);
            case NicOpCode.TunnelEncap:
                return PutOn(rule.Encaps[(int)op.Argument]);
            case NicOpCode.Output:
                _port = op.Argument;
                return _port == KernelLayout.NoPort ? $"port {op.Argument}" : null;
            default:
                return op.Code == NicOpCode.Sample ? "sample" : op.Code.ToString();
        }
    }

    private string? TakeOff(FlowActionTunnelDecap decap, CompiledRule rule)
    {
        if (rule.IsOverIpv6) return "tunnel_decap over IPv6";
        if (decap.Type == FlowTunnelType.Gre ? !rule.IsGreOverIpv4 : !rule.IsUdpOverIpv4) return $"tunnel_decap of what is not {(decap.Type == FlowTunnelType.Gre ? "GRE" : "UDP")} over IPv4";
        if (decap.OptionBytes is not (0 or 4 or 8)) return $"an option of {decap.OptionBytes} bytes";
        if (rule.IsInside) return "tunnel_decap inside a tunnel";
        Span<byte> body = _body;
        MemoryMarshal.Write(body[KernelLayout.InnerPort..], decap.Port);
        body[KernelLayout.InnerTunnel] = (byte)decap.Type;
        if (decap.Type == FlowTunnelType.Geneve && decap.OptionBytes != 0)
        {
            BinaryPrimitives.WriteUInt16BigEndian(body[KernelLayout.InnerOption..], decap.OptionClass);
            (body[KernelLayout.InnerOption + 2], body[KernelLayout.InnerOption + 3]) = (decap.OptionType, (byte)(decap.OptionBytes / 4));
        }

        Decap = decap;
        return Once(KernelFlags.Decap, "tunnel_decap");
    }

    private string? PutOn(FlowActionTunnelEncap encap)
    {
        if (FrontOf(encap.Type, [.. encap.Header], out _front) is { } subject) return subject;
        if ((_flags & (KernelFlags.SetTag | KernelFlags.PushTag)) != 0) return "a change of tags in front of tunnel_encap";
        (_body[KernelLayout.Front], _body[KernelLayout.FrontKind]) = ((byte)encap.Header.Count, (byte)_front);
        Encap = encap;
        return Once(KernelFlags.Encap, "tunnel_encap");
    }

    /// <summary>Null and what the headers are, or what of them the program cannot put on.</summary>
    private static string? FrontOf(FlowTunnelType type, ReadOnlySpan<byte> header, out KernelFront front)
    {
        const int networkAt = 14, udpBytes = 8, greBytes = 4, greKeyBytes = 4, checksumPresent = 0x80, keyPresent = 0x20, sequencePresent = 0x10;
        front = KernelFront.None;
        if (header.Length < KernelProgram.LeastGreBytes || header.Length % 4 != 2) return $"tunnel_encap of {header.Length} bytes";
        bool isIpv6 = header[12] == 0x86 && header[13] == 0xdd && header[networkAt] >> 4 == 6, isIpv4 = header[12] == 8 && header[13] == 0 && header[networkAt] == 0x45;
        if (!isIpv4 && !isIpv6) return "tunnel_encap over what is neither IPv4 without options nor IPv6";
        if (header.Length > KernelProgram.MaxFrontBytesOver(isIpv6)) return $"tunnel_encap of {header.Length} bytes";
        if (isIpv6) front |= KernelFront.Ipv6;
        (int at, byte protocol) = isIpv6 ? (54, header[20]) : (34, header[23]);
        ReadOnlySpan<byte> transport = header[Math.Min(at, header.Length)..];
        if (protocol != (type == FlowTunnelType.Gre ? 47 : 17)) return $"tunnel_encap with IP protocol {protocol}";
        if (type != FlowTunnelType.Gre)
        {
            if (transport.Length < udpBytes + KernelProgram.TunnelBytes) return $"tunnel_encap of {header.Length} bytes";
            if ((transport[6] | transport[7]) != 0) front |= KernelFront.Checksum;
            return null;
        }

        front |= KernelFront.Gre;
        if (transport.Length < greBytes) return $"tunnel_encap of {header.Length} bytes";
        if ((transport[0] & checksumPresent) != 0) return "tunnel_encap of GRE with a checksum";
        if ((transport[0] & sequencePresent) != 0) return "tunnel_encap of GRE with a sequence number";
        if ((transport[0] & ~keyPresent) != 0 || transport[1] != 0) return "tunnel_encap of GRE with unknown flags";
        return transport.Length != greBytes + (transport[0] == 0 ? 0 : greKeyBytes) ? $"tunnel_encap of {header.Length} bytes" : null;
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
