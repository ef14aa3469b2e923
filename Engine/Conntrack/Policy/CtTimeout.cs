namespace Mergeflow.Engine.Conntrack;

/// <summary>The timeouts a connection can be under (OVS <c>enum ct_timeout</c>).</summary>
public enum CtTimeout : byte
{
    TcpFirstPacket,
    TcpOpening,
    TcpEstablished,
    TcpClosing,
    TcpFinWait,
    TcpClosed,
    OtherFirst,
    OtherMultiple,
    OtherBidir,
    IcmpFirst,
    IcmpReply,
}
