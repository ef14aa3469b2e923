namespace Mergeflow.Engine.Actions;

/// <summary>Bits of the key's tun_flags (OVS <c>FLOW_TNL_F_*</c>).</summary>
[Flags]
public enum TunnelFlags : ushort
{
    None = 0,
    Oam = 1,
    DontFragment = 2,
    Checksum = 4,
    Key = 8,
}
