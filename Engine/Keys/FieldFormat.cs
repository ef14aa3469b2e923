namespace Mergeflow.Engine.Keys;

/// <summary>How a field's value is written in ovs-ofctl text (OVS <c>MFS_*</c>).</summary>
public enum FieldFormat : byte
{
    Decimal,
    Hex,
    Ethernet,
    Ipv4,
    Ipv6,
    Port,
    Frag,
    CtState,
    TcpFlags,
    TunFlags,
}
