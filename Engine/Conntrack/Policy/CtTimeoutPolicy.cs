namespace Mergeflow.Engine.Conntrack;

/// <summary>A timeout policy (OVS <c>CT_Timeout_Policy</c>): seconds per state; what is not given keeps the default.</summary>
/// <param name="Id">What <see cref="DpCt.TimeoutPolicy"/> refers to; 0 replaces the default policy.</param>
/// <param name="Seconds">Timeouts in seconds.</param>
public sealed record CtTimeoutPolicy(uint Id, IReadOnlyDictionary<CtTimeout, uint> Seconds)
{
    /// <summary>Number of timeouts.</summary>
    public const int Count = (int)CtTimeout.IcmpReply + 1;

    /// <summary>The default of a timeout, in seconds (OVS lib/conntrack-tp.c).</summary>
    public static uint DefaultSeconds(CtTimeout timeout) => timeout switch
    {
        CtTimeout.TcpEstablished => 24 * 60 * 60,
        CtTimeout.TcpClosing => 15 * 60,
        CtTimeout.TcpFinWait => 45,
        CtTimeout.OtherFirst or CtTimeout.OtherMultiple or CtTimeout.IcmpFirst => 60,
        _ => 30,
    };
}
