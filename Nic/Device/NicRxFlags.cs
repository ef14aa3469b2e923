namespace Mergeflow.Nic;


/// <summary>What the receiver found out about the checksums (DPDK <c>RTE_MBUF_F_RX_*_CKSUM_*</c>); neither good nor bad = not verified.</summary>
[Flags]
public enum NicRxFlags : byte
{
    None = 0,
    IpCsumGood = 1,
    IpCsumBad = 2,
    L4CsumGood = 4,
    L4CsumBad = 8,
}
