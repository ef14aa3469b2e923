namespace Mergeflow.Nic;


/// <summary>Transport checksums that cover the IP addresses.</summary>
public enum NicChecksumKind : byte
{
    None,
    Tcp,
    Udp,
    Icmp6,
}
