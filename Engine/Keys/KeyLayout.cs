namespace Mergeflow.Engine.Keys;

/// <summary>Byte offsets in <see cref="PipelineFlow"/> of what is touched by number, and bit windows in memory order. Lanes are in <see cref="Lanes"/>.</summary>
internal static class KeyLayout
{
    public const int DlDst = 0;
    public const int DlSrc = 6;
    public const int DlType = 12;
    public const int Vlan0Tci = 14;
    public const int InPort = 16;
    public const int RecircId = 20;
    public const int CtState = 24;
    public const int NwFrag = 25;
    public const int CtZone = 26;
    public const int CtMark = 28;
    public const int NwTos = 33;
    public const int NwTtl = 40;
    public const int NwProto = 41;
    public const int NwSrc = 44;
    public const int NwDst = 48;
    public const int TpSrc = 52;
    public const int TpDst = 54;
    public const int TcpFlags = 56;
    public const int Ipv6Src = 64;
    public const int Ipv6Dst = 80;
    public const int CtLabel = 96;
    public const int CtNwSrc = 112;
    public const int CtNwDst = 116;
    public const int CtTpSrc = 120;
    public const int CtTpDst = 122;
    public const int CtNwProto = 124;
    public const int NdTarget = 128;
    public const int ArpSha = 144;
    public const int ArpTha = 150;
    public const int DpHash = 160;
    public const int PktMark = 164;
    public const int Ipv6Label = 168;
    public const int Vlan1Tci = 172;
    public const int Vlan0Tpid = 174;
    public const int Vlan1Tpid = 176;
    public const int MplsLse0 = 178;
    public const int SkbPriority = 190;
    public const int TunId = 192;
    public const int TunSrc = 200;
    public const int TunDst = 204;
    public const int TunIpv6Src = 208;
    public const int TunIpv6Dst = 224;
    public const int TunFlags = 240;
    public const int TunTos = 242;
    public const int TunTtl = 243;
    public const int TunGbpId = 244;
    public const int TunGbpFlags = 246;

    /// <summary>1 if the option of <see cref="TunMetadata0"/> is there.</summary>
    public const int TunOptions = 247;
    public const int TunMetadata0 = 248;
    public const int CtIpv6Src = 256;
    public const int CtIpv6Dst = 272;
    public const int Metadata = 352;
    public const int ConjId = 360;
    public const int ActsetOutput = 364;

    /// <summary>Where the registers begin; each has four bytes.</summary>
    public const int Registers = Lanes.Regs * Lanes.SizeBytes;

    /// <summary>Stride of one working copy of a <see cref="PipelineFlow"/>: 8-byte windows may start at its last byte.</summary>
    public const int StrideBytes = 448;

    /// <summary>The first two, four and six bytes of an 8-byte window.</summary>
    public const ulong Window2 = 0xffff;
    public const ulong Window4 = 0xffff_ffff;
    public const ulong Window6 = 0xffff_ffff_ffff;
}
