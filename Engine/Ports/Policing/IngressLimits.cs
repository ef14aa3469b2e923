namespace Mergeflow.Engine.Ports;

/// <summary>How much a port takes in (ovs-vswitchd.conf.db(5): <c>ingress_policing_*</c>); 0 = any amount.</summary>
/// <param name="KbitsRate">Thousands of bits per second.</param>
/// <param name="KbitsBurst">Bits at once, in units of 1024, as the original has it; 0 = 8000.</param>
/// <param name="KpktsRate">Thousands of packets per second.</param>
/// <param name="KpktsBurst">Thousands of packets at once; 0 = 16.</param>
public readonly record struct IngressLimits(uint KbitsRate, uint KbitsBurst, uint KpktsRate, uint KpktsBurst)
{
    private const uint DefaultKbitsBurst = 8000, DefaultKpktsBurst = 16;

    /// <summary>It takes all.</summary>
    public bool IsNone => KbitsRate == 0 && KpktsRate == 0;

    /// <summary>The same, with bursts that act: none without a rate, the usual one where none is said (OVS <c>netdev_linux_set_policing</c>).</summary>
    public IngressLimits Effective => new(KbitsRate, KbitsRate == 0 ? 0 : KbitsBurst == 0 ? DefaultKbitsBurst : KbitsBurst, KpktsRate, KpktsRate == 0 ? 0 : KpktsBurst == 0 ? DefaultKpktsBurst : KpktsBurst);
}
