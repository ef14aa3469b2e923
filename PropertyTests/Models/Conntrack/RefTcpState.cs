namespace Mergeflow.PropertyTests;

/// <summary>States of one end of a TCP connection, in OVS's order (<c>enum ct_dpif_tcp_state</c>).</summary>
internal enum RefTcpState
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
