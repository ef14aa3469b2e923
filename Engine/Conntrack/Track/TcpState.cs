namespace Mergeflow.Engine.Conntrack;

/// <summary>State of one TCP peer (OVS <c>enum ct_dpif_tcp_state</c>); the order is significant.</summary>
public enum TcpState : byte
{
    Closed,
    Listen,
    SynSent,
    SynRecv,
    Established,
    CloseWait,
    FinWait1,
    Closing,
    LastAck,
    FinWait2,
    TimeWait,
}
