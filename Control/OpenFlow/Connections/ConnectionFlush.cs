using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Runtime;

namespace Mergeflow.Control.OpenFlow;

/// <summary>Which connections a flush is about (OVS <c>ct_dpif_flush</c>): all, those of a zone, or those that fit tuples of which parts may be missing. A part that is zero is missing.</summary>
public static class ConnectionFlush
{
    /// <summary>IPv4 addresses are given in this form: ::ffff:0:0/96.</summary>
    private static readonly UInt128 s_mapped = (UInt128)0xffff << 32;

    /// <summary>Removes them from a datapath; false if one is named as a whole that is not there.</summary>
    public static bool Run(Datapath datapath, OfCtFlush which, long nowMs)
    {
        if (which.Protocol == 0 && IsEmpty(which.Original) && IsEmpty(which.Reply))
        {
            datapath.FlushConntrack(which.Zone, nowMs);
            return true;
        }

        // What names a connection as a whole is looked up, in either direction and in one zone.
        if (IsEmpty(which.Reply) && IsFiveTuple(which.Original, which.Protocol))
        {
            ushort zone = which.Zone ?? 0;
            bool isThere = false;
            datapath.FlushConnections(c => c.Zone == zone && c.Proto == which.Protocol && (Fits(which.Original, c.Orig) || Fits(which.Original, c.Reply)) && (isThere = true), nowMs);
            return isThere;
        }

        datapath.FlushConnections(c => (which.Zone is null || c.Zone == which.Zone) && (which.Protocol == 0 || c.Proto == which.Protocol) && Fits(which.Original, c.Orig) && Fits(which.Reply, c.Reply), nowMs);
        return true;
    }

    private static bool IsEmpty(OfCtTuple? tuple) => tuple is null || ((tuple.Source ?? 0) == 0 && (tuple.Destination ?? 0) == 0 && (tuple.SourcePort ?? 0) == 0 && (tuple.DestinationPort ?? 0) == 0
        && (tuple.IcmpId ?? 0) == 0 && (tuple.IcmpType ?? 0) == 0 && (tuple.IcmpCode ?? 0) == 0);

    private static bool IsFiveTuple(OfCtTuple? tuple, byte protocol)
        => tuple is { Source: { } source, Destination: { } destination } && source != 0 && destination != 0 && (protocol is IpProto.Icmp or IpProto.Icmpv6 || (tuple.SourcePort is > 0 && tuple.DestinationPort is > 0));

    private static bool Fits(OfCtTuple? wanted, in ConnTuple tuple)
    {
        if (wanted is null) return true;
        if (!FitsAddress(wanted.Source, tuple.Src, tuple.IsIpv6) || !FitsAddress(wanted.Destination, tuple.Dst, tuple.IsIpv6)) return false;
        return tuple.IsIcmp
            ? (wanted.IcmpId ?? 0) is var id && (id == 0 || id == tuple.IcmpId) && (wanted.IcmpType ?? 0) is var type && (type == 0 || type == tuple.IcmpType) && (wanted.IcmpCode ?? 0) is var code && (code == 0 || code == tuple.IcmpCode)
            : (wanted.SourcePort ?? 0) is var from && (from == 0 || from == tuple.SrcPort) && (wanted.DestinationPort ?? 0) is var to && (to == 0 || to == tuple.DstPort);
    }

    private static bool FitsAddress(UInt128? wanted, Ipv6Address address, bool isIpv6)
    {
        if (wanted is not { } bits || bits == 0) return true;
        return bits == (isIpv6 ? address.ToUInt128() : s_mapped | (address.ToUInt128() >> 96));
    }
}
