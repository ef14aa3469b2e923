using F = Mergeflow.PropertyTests.RefField;

namespace Mergeflow.PropertyTests;

internal sealed partial class ReferenceWalk
{
    private static UInt128 BitsOf(Subfield s) => s.BitCount == 128 ? UInt128.MaxValue : ((UInt128.One << s.BitCount) - 1) << s.Start;

    private UInt128 ReadBits(Subfield s) => (FieldNames.Get(s.Field, _flow) & BitsOf(s)) >> s.Start;

    private void WriteBits(Subfield s, UInt128 value) => WriteField(s.Field, value << s.Start, BitsOf(s));

    private void SetField(OfSetField a)
    {
        if (a.PushVlanIfNeeded && !_flow.HasTag && _flow[F.Tpid0] == 0) _flow[F.Tpid0] = 0x8100;
        if (a.PushVlanIfNeeded || IsPresent(a.Field)) WriteField(a.Field, a.Value, a.Mask);
    }

    /// <summary>Writes bits; anything written into a tag's VID or PCP by name makes the tag be there.</summary>
    private void WriteField(Field field, UInt128 value, UInt128 mask)
    {
        FieldNames.Set(field, _flow, value, mask);
        bool isTranslatable = field.Prereq is FieldPrereq.Ipv4 or FieldPrereq.Ipv6 or FieldPrereq.Tcp or FieldPrereq.Udp;
        _overwritesNat |= _isTranslated && isTranslatable;
        if (field.Id is FieldId.DlVlan or FieldId.DlVlanPcp or FieldId.VlanPcp) _flow[F.Tci0] |= 0x1000;
        if (field.Id is FieldId.VlanTci or FieldId.DlVlan or FieldId.DlVlanPcp or FieldId.VlanPcp or FieldId.VlanVid
            && _flow[F.Tci0] != 0 && _flow[F.Tpid0] == 0)
        {
            _flow[F.Tpid0] = 0x8100;
        }
    }

    /// <summary>Does the packet have the layer that the field belongs to (OVS <c>mf_are_prereqs_ok</c>)?</summary>
    private bool IsPresent(Field field)
    {
        ulong proto = _flow.U(F.Proto);
        bool isLater = _flow.U(F.Frag) == 3;
        bool isIcmp6 = _flow.IsIpv6 && proto == 58;
        bool isNd = isIcmp6 && _flow.U(F.TpDst) == 0 && _flow.U(F.TpSrc) is 135 or 136;
        return field.Prereq switch
        {
            FieldPrereq.None => true,
            FieldPrereq.Arp => _flow.IsArp,
            FieldPrereq.VlanVid => _flow.HasTag,
            FieldPrereq.Ipv4 => _flow.IsIpv4,
            FieldPrereq.Ipv6 => _flow.IsIpv6,
            FieldPrereq.IpAny => _flow.IsIp,
            FieldPrereq.Tcp => _flow.IsIp && proto == 6 && !isLater,
            FieldPrereq.Udp => _flow.IsIp && proto == 17 && !isLater,
            FieldPrereq.Sctp => _flow.IsIp && proto == 132 && !isLater,
            FieldPrereq.Icmpv4 => _flow.IsIpv4 && proto == 1,
            FieldPrereq.Icmpv6 => isIcmp6,
            FieldPrereq.Nd => isNd,
            FieldPrereq.NdSolicit => isNd && _flow.U(F.TpSrc) == 135,
            FieldPrereq.NdAdvert => isNd && _flow.U(F.TpSrc) == 136,
            FieldPrereq.CtState or FieldPrereq.CtValid => true,
            _ => throw new NotSupportedException($"the model does not have {field.Prereq}"),
        };
    }

    /// <summary>
    /// Brings the bytes up to date before the packet leaves: what differs between the fields now and the fields of the last time is written,
    /// and only if the layer was understood (OVS <c>commit_odp_actions</c>).
    /// </summary>
    private void Commit()
    {
        RefFlow now = _flow.Clone(), old = _base.Clone();
        bool Changed(F f) => now[f] != old[f];
        if (Changed(F.EthDst)) Edit(p => Wire.PutMac(p.Bytes, 0, now[F.EthDst]));
        if (Changed(F.EthSrc)) Edit(p => Wire.PutMac(p.Bytes, 6, now[F.EthSrc]));
        _base[F.EthDst] = now[F.EthDst];
        _base[F.EthSrc] = now[F.EthSrc];

        if (now[F.Proto] != 0)
        {
            if (now.IsIpv4) CommitIpv4(now, Changed);
            else if (now.IsIpv6) CommitIpv6(now, old, Changed);
            else if (now.IsArp) CommitArp(now, Changed);
            if (now.IsIp) CommitTransport(now, Changed);
        }

        CommitTags(now, old);
    }

    private void Edit(Action<ReferencePacket> apply) => _steps.Add(new RefStep.Edit(apply));

    private void Keep(RefFlow now, params ReadOnlySpan<F> fields)
    {
        foreach (F f in fields) _base[f] = now[f];
    }

    private void CommitIpv4(RefFlow now, Func<F, bool> changed)
    {
        if (changed(F.IpSrc)) Edit(p => { if (Wire.U32(p.L3Bytes, 12) != now.U(F.IpSrc)) HeaderEdits.SetIpv4Address(p, true, (uint)now[F.IpSrc]); });
        if (changed(F.IpDst)) Edit(p => { if (Wire.U32(p.L3Bytes, 16) != now.U(F.IpDst)) HeaderEdits.SetIpv4Address(p, false, (uint)now[F.IpDst]); });
        if (changed(F.Tos)) Edit(p => HeaderEdits.SetTos(p, (byte)now[F.Tos]));
        if (changed(F.Ttl)) Edit(p => HeaderEdits.SetTtl(p, (byte)now[F.Ttl]));
        Keep(now, F.IpSrc, F.IpDst, F.Tos, F.Ttl);
    }

    private void CommitArp(RefFlow now, Func<F, bool> changed)
    {
        if (!(changed(F.Proto) || changed(F.HwSrc) || changed(F.HwDst) || changed(F.IpSrc) || changed(F.IpDst))) return;
        Edit(p => NeighbourEdits.SetArp(p, (byte)now[F.Proto], now.U(F.HwSrc), (uint)now[F.IpSrc], now.U(F.HwDst), (uint)now[F.IpDst]));
        Keep(now, F.Proto, F.HwSrc, F.HwDst, F.IpSrc, F.IpDst);
    }

    private void CommitIpv6(RefFlow now, RefFlow old, Func<F, bool> changed)
    {
        if (changed(F.Ip6Src)) Edit(p => SetIpv6(p, true, now[F.Ip6Src]));
        if (changed(F.Ip6Dst)) Edit(p => SetIpv6(p, false, now[F.Ip6Dst]));
        if (changed(F.Tos)) Edit(p => Wire.Put32(p.L3Bytes, 0, (Wire.U32(p.L3Bytes, 0) & 0xf00fffff) | ((uint)now[F.Tos] << 20)));
        if (changed(F.Ip6Label)) Edit(p => Wire.Put32(p.L3Bytes, 0, (Wire.U32(p.L3Bytes, 0) & 0xfff00000) | (uint)now[F.Ip6Label]));
        if (changed(F.Ttl)) Edit(p => p.L3Bytes[7] = (byte)now[F.Ttl]);
        Keep(now, F.Ip6Src, F.Ip6Dst, F.Tos, F.Ip6Label, F.Ttl);
        if (now[F.Proto] != 58 || !(changed(F.NdTarget) || changed(F.HwSrc) || changed(F.HwDst))) return;
        Edit(p => NeighbourEdits.SetNeighbour(
            p,
            changed(F.NdTarget) ? now[F.NdTarget] : null,
            now[F.HwSrc] != old[F.HwSrc] ? now.U(F.HwSrc) : null,
            now[F.HwDst] != old[F.HwDst] ? now.U(F.HwDst) : null));
        Keep(now, F.NdTarget, F.HwSrc, F.HwDst);
    }

    /// <summary>A destination that a routing header will replace is not what the checksum covers; nor is anything in a later fragment.</summary>
    private static void SetIpv6(ReferencePacket p, bool source, UInt128 address)
    {
        int at = source ? 8 : 24;
        if (Wire.U128(p.L3Bytes, at) == address) return;
        (byte proto, bool routed, bool counts) = Ipv6Chain(p);
        HeaderEdits.SetIpv6Address(p, p.L3, p.L4, proto, at, address, counts && (source || !routed));
    }

    private static (byte Proto, bool Routed, bool Counts) Ipv6Chain(ReferencePacket p)
    {
        ReadOnlySpan<byte> ip = p.Bytes.AsSpan(p.L3..p.L4);
        byte proto = ip[6];
        bool counts = true;
        for (int at = 40; proto is 0 or 43 or 60 or 51 or 44 && ip.Length - at >= 8;)
        {
            if (proto == 43 && ip[at + 3] > 0) return (proto, true, counts);
            if (proto == 44) counts = (Wire.U16(ip, at + 2) & 0xfff8) == 0 && !(p.LeavesAtomicChecksums && (Wire.U16(ip, at + 2) & 1) == 0);
            int size = proto switch { 51 => (ip[at + 1] + 2) * 4, 44 => 8, _ => (ip[at + 1] + 1) * 8 };
            proto = ip[at];
            at += size;
        }

        return (proto, false, counts);
    }

    private void CommitTransport(RefFlow now, Func<F, bool> changed)
    {
        if (!changed(F.TpSrc) && !changed(F.TpDst)) return;
        (bool setsSrc, bool setsDst) = (changed(F.TpSrc), changed(F.TpDst));
        byte proto = (byte)now[F.Proto];
        if (proto is 6 or 17)
        {
            Edit(p =>
            {
                bool isWhole = proto == 17 ? p.L4SizeBytes >= 8
                    : p.L4SizeBytes >= 20 && (p.L4Bytes[12] >> 4) * 4 >= 20 && (p.L4Bytes[12] >> 4) * 4 <= p.L4SizeBytes;
                if (!isWhole) return;
                ushort src = setsSrc ? (ushort)now[F.TpSrc] : Wire.U16(p.L4Bytes, 0);
                HeaderEdits.SetPorts(p, p.L4, proto, src, setsDst ? (ushort)now[F.TpDst] : Wire.U16(p.L4Bytes, 2));
            });
        }
        else if ((proto == 1 && now.IsIpv4) || (proto == 58 && now.IsIpv6))
        {
            Edit(p => { if (p.L4SizeBytes >= 8 && (now[F.Frag] != 3 || p.DamagesLaterFragments)) HeaderEdits.SetIcmp(p, (byte)now[F.TpSrc], (byte)now[F.TpDst]); });
        }
        else
        {
            throw new NotSupportedException($"the model does not rewrite ports of protocol {proto}");
        }

        Keep(now, F.TpSrc, F.TpDst);
    }

    /// <summary>Tags from the innermost on that are the same stay; the others are popped and pushed anew.</summary>
    private void CommitTags(RefFlow now, RefFlow old)
    {
        List<(ulong Tpid, ulong Tci)> have = Tags(old), want = Tags(now);
        int same = 0;
        while (same < have.Count && same < want.Count && have[^(same + 1)] == want[^(same + 1)]) same++;
        for (int i = same; i < have.Count; i++) Edit(HeaderEdits.PopVlan);
        foreach ((ulong tpid, ulong tci) in want.SkipLast(same).Reverse()) Edit(p => HeaderEdits.PushVlan(p, (ushort)tpid, (ushort)tci));
        Keep(now, F.Tpid0, F.Tci0, F.Tpid1, F.Tci1);
    }

    private static List<(ulong Tpid, ulong Tci)> Tags(RefFlow flow)
    {
        List<(ulong, ulong)> tags = [];
        if (flow.HasTag) tags.Add((flow.U(F.Tpid0), flow.U(F.Tci0)));
        if (flow.HasTag && (flow.U(F.Tci1) & 0x1000) != 0) tags.Add((flow.U(F.Tpid1), flow.U(F.Tci1)));
        return tags;
    }
}
