namespace Mergeflow.PropertyTests;

/// <summary>A packet on its way: bytes, layer offsets, and what conntrack wrote beside it (OVS <c>struct pkt_metadata</c>).</summary>
internal sealed class ReferencePacket
{
    public required byte[] Bytes { get; set; }

    public uint InPort { get; init; }

    /// <summary>A new address also changes what is in the place of an L4 checksum in a later fragment, as Open vSwitch does by mistake.</summary>
    public bool DamagesLaterFragments { get; init; }

    /// <summary>The checksum of an IPv6 packet with a fragment header that says "whole" does not follow its addresses (Open vSwitch 3.1).</summary>
    public bool LeavesAtomicChecksums { get; init; }

    /// <summary>A <c>ct</c> of this pass has rewritten it: tables do not see that before the next pass.</summary>
    public bool IsTranslated { get; set; }

    public int L3 { get; set; } = -1;

    public int L4 { get; set; } = -1;

    /// <summary>Bytes behind the IP packet.</summary>
    public int PaddingBytes { get; set; }

    public int CtState { get; set; }

    public int CtZone { get; set; }

    public uint CtMark { get; set; }

    public UInt128 CtLabel { get; set; }

    /// <summary>Tuple of the connection's original direction as matches see it; null = none.</summary>
    public RefKey? CtTuple { get; set; }

    /// <summary>Connection of the last <c>ct</c> without <c>nat</c>, until the packet's tuple is rewritten.</summary>
    public RefConn? CachedConn { get; set; }

    public bool CachedReply { get; set; }

    public bool CachedRelated { get; set; }

    public int End => Bytes.Length - PaddingBytes;

    public Span<byte> L3Bytes => Bytes.AsSpan(L3..End);

    public int L4SizeBytes => L4 < 0 ? 0 : End - L4;

    public Span<byte> L4Bytes => Bytes.AsSpan(L4..End);

    public ReferencePacket Clone()
    {
        var copy = (ReferencePacket)MemberwiseClone();
        copy.Bytes = (byte[])Bytes.Clone();
        return copy;
    }

    /// <summary>The same packet, come by another port.</summary>
    public ReferencePacket At(uint port) => new()
    {
        Bytes = Bytes,
        InPort = port,
        DamagesLaterFragments = DamagesLaterFragments,
        LeavesAtomicChecksums = LeavesAtomicChecksums,
        CtState = CtState,
        CtZone = CtZone,
        CtMark = CtMark,
        CtLabel = CtLabel,
        CtTuple = CtTuple,
        CachedConn = CachedConn,
        CachedReply = CachedReply,
        CachedRelated = CachedRelated,
    };

    /// <summary>Parses the bytes as they are now; conntrack fields come from the metadata.</summary>
    public RefFlow Parse()
    {
        ParsedFrame parsed = ReferenceParser.Parse(Bytes);
        (L3, L4, PaddingBytes) = (parsed.L3, parsed.L4, Bytes.Length - parsed.End);
        RefFlow flow = parsed.Flow;
        flow[RefField.InPort] = InPort;
        if (CtState == 0) return flow;
        flow[RefField.CtState] = (uint)CtState;
        flow[RefField.CtZone] = (uint)CtZone;
        flow[RefField.CtMark] = CtMark;
        flow[RefField.CtLabel] = CtLabel;
        bool hasNetworkHeader = flow.IsIpv4 ? parsed.L4 >= 0 : flow.IsIpv6 && (flow[RefField.Ip6Src] | flow[RefField.Ip6Dst]) != 0;
        if (CtTuple is not { } tuple || !hasNetworkHeader || tuple.IsIpv6 != flow.IsIpv6) return flow;
        flow[RefField.CtProto] = tuple.Proto;
        if (tuple.Proto == 0) return flow;
        flow[tuple.IsIpv6 ? RefField.CtIp6Src : RefField.CtIpSrc] = tuple.Src.Address;
        flow[tuple.IsIpv6 ? RefField.CtIp6Dst : RefField.CtIpDst] = tuple.Dst.Address;
        if (!ReferenceParser.HasTransport(Bytes, parsed)) return flow;
        bool isIcmp = tuple.Proto == (tuple.IsIpv6 ? 58 : 1);
        flow[RefField.CtTpSrc] = isIcmp ? tuple.Src.IcmpType : tuple.Src.Port;
        flow[RefField.CtTpDst] = isIcmp ? 0u : tuple.Dst.Port;
        return flow;
    }

    public void ClearConntrack()
    {
        CtState = 0;
        CachedConn = null;
    }
}
