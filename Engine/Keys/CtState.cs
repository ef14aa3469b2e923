namespace Mergeflow.Engine.Keys;

/// <summary>Conntrack state bits (OVS <c>CS_*</c>, lib/packets.h).</summary>
[Flags]
public enum CtState : byte
{
    None = 0,
    New = 0x01,
    Est = 0x02,
    Rel = 0x04,
    Rpl = 0x08,
    Inv = 0x10,
    Trk = 0x20,
    SNat = 0x40,
    DNat = 0x80,
}
