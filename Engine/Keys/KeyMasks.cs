using Mergeflow.Native;

namespace Mergeflow.Engine.Keys;

/// <summary>Groups of flow-key bits that the merge treats alike.</summary>
public static class KeyMasks
{
    /// <summary>TCP flags that open or close a connection, and ACK, without which an established segment is invalid (OVS <c>tcp_invalid_flags</c>).</summary>
    public const ushort CtTcpFlags = 0x0017;

    /// <summary>ACK.</summary>
    public const ushort TcpAck = 0x0010;

    /// <summary>CFI bit of a TCI: "there is a tag".</summary>
    public const ushort VlanPresent = 0x1000;

    /// <summary>Fields that no header carries: known constants at every moment of a trace.</summary>
    public static FlowKey Metadata = BuildMetadata();

    /// <summary>The connection's original tuple, constant while the connection lives.</summary>
    public static FlowKey CtTuple = BuildCtTuple();

    /// <summary>Fields that move when tags or labels are pushed and popped.</summary>
    public static FlowKey Stacks = BuildStacks();

    /// <summary>Network and transport fields: unreadable behind an MPLS label.</summary>
    public static FlowKey Network = BuildNetwork();

    private static FlowKey BuildMetadata()
    {
        FlowKey m = default;
        m.RecircId = new Be32(~0u);
        m.CtState = (CtState)0xff;
        m.CtZone = new Be16(0xffff);
        m.CtMark = new Be32(~0u);
        m.Bytes.Slice(Lanes.At(Lanes.Ct), Lanes.SizeBytes).Fill(0xff);
        m.DpHash = new Be32(~0u);
        m.PktMark = new Be32(~0u);
        m.SkbPriority = new Be16(0xffff);
        m.Bytes.Slice(Lanes.At(Lanes.Tunnel), 3 * Lanes.SizeBytes).Fill(0xff);
        return m;
    }

    private static FlowKey BuildCtTuple()
    {
        FlowKey m = default;
        m.Bytes[KeyLayout.CtNwSrc..Lanes.At(Lanes.Ct + 1)].Fill(0xff);
        m.Bytes.Slice(Lanes.At(Lanes.CtIpv6), Lanes.SizeBytes).Fill(0xff);
        return m;
    }

    private static FlowKey BuildStacks()
    {
        FlowKey m = default;
        m.Vlan0Tci = m.Vlan1Tci = m.Vlan0Tpid = m.Vlan1Tpid = new Be16(0xffff);
        m.MplsLse0 = m.MplsLse1 = m.MplsLse2 = new Be32(~0u);
        return m;
    }

    private static FlowKey BuildNetwork()
    {
        FlowKey m = default;
        m.NwFrag = (NwFrag)0xff;
        foreach (int lane in Lanes.Headers) m.Bytes.Slice(Lanes.At(lane), Lanes.SizeBytes).Fill(0xff);
        m.Ipv6Label = new Be32(~0u);
        return m;
    }
}
