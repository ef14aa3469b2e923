using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

/// <summary>Masked rewrite of IPv4 fields.</summary>
public struct DpSetIpv4
{
    public Be32 Src;
    public Be32 Dst;
    public Be32 SrcMask;
    public Be32 DstMask;
    public byte Tos;
    public byte Ttl;
    public byte TosMask;
    public byte TtlMask;
}
