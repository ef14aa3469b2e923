namespace Mergeflow.Nic;

/// <summary>
/// Where things lie in the memory that this process and the program in the kernel share. All numbers are in the machine's order unless they are bytes of a packet.
/// </summary>
/// <remarks>
/// <code>
/// bucket  64 bytes   0 tag[8] u32, 0 = empty     32 slot[8] u32; the top bit of the first: some rule of this bucket lies in its other one
/// slot   256 bytes   0 key[0..6] u64, the words of the template in order     56 alive u32   60 gate u16   62 min_ttl u8   63 seen u8
///                   64 packets u64   72 bytes u64   80 last u64   88 port u32   92 flags u32   96 dst[6]   102 src[6]   108 tp_src[2]   110 tp_dst[2]
///                  112 ipv4_src[4]   116 ipv4_dst[4]   120 ttl u8   121 decrement u8   122 tos u8   123 tos_mask u8   124 tpid[2]   126 tci[2]   128 tci_mask[2]
///                  130 header u16   132 front u8, bytes of the outer headers   133 front_kind u8 (<see cref="KernelFront"/>)   136 key[7..13] u64   192 ipv6_src[16]   208 ipv6_dst[16]   224 key[14..15] u64   240 next u32
///                  of a rule that takes outer headers off: 192 inner_port u32   196 option {class be16, type u8, words of data u8}, 0 = none   200 tunnel u8 (<see cref="FlowTunnelType"/>)
/// header 128 bytes   what is put in front of frames; lengths and UDP source port 0
/// control            0 matching u64   8 clock u64   4096 devices {ifindex u32, port u32}[1024]   12288 ports {ifindex u32, max_frame u32, upcall u32, flags u32}[1024]
///                 1024 left u64[8], frames that a rule was found for and that are software's all the same, by <see cref="KernelLeft"/>
///                32768 readers {inside u64, until_sample u64} every 64 bytes, one for each processor   49152 gates u32[256], 0 = open
/// </code>
/// </remarks>
internal static class KernelLayout
{
    public const int BucketBytes = 64;
    public const int Ways = 8;
    public const int BucketSlots = 32;
    public const uint SpilledBit = 1u << 31;

    public const int SlotShift = 8;
    public const int SlotBytes = 1 << SlotShift;
    public const int MaxKeyWords = 16;
    public const int Alive = 56;
    public const int Gate = 60;
    public const int MinTtl = 62;
    public const int Seen = 63;
    public const int Packets = 64;
    public const int Bytes = 72;
    public const int Last = 80;
    public const int Port = 88;
    public const int Flags = 92;
    public const int EthDst = 96;
    public const int EthSrc = 102;
    public const int TpSrc = 108;
    public const int TpDst = 110;
    public const int Ipv4Src = 112;
    public const int Ipv4Dst = 116;
    public const int Ttl = 120;
    public const int TtlDecrement = 121;
    public const int Tos = 122;
    public const int TosMask = 123;
    public const int Tpid = 124;
    public const int Tci = 126;
    public const int TciMask = 128;
    public const int Header = 130;
    public const int Front = 132;
    public const int FrontKind = 133;
    public const int Ipv6Src = 192;
    public const int Ipv6Dst = 208;
    public const int InnerPort = 192;
    public const int InnerOption = 196;
    public const int InnerTunnel = 200;
    public const int Next = 240;

    public const int HeaderShift = 7;
    public const int HeaderBytes = 1 << HeaderShift;
    public const int HeaderCount = 4096;
    public const int MaxFrontBytes = 84;

    /// <summary>Most outputs of a rule.</summary>
    public const int MaxOutputs = 8;

    public const uint NoPort = uint.MaxValue;

    public const int ControlBytes = 64 << 10;
    public const int Matching = 0;
    public const int Clock = 8;
    public const int Left = 1024;
    public const int Devices = 4096;
    public const int DeviceCount = 1024;
    public const int Ports = 12288;
    public const int PortBytes = 16;
    public const int PortCount = 1024;
    public const int PortMaxFrame = 4;
    public const int PortUpcall = 8;
    public const int PortFlags = 12;

    /// <summary>In the flags of a port: frames go into the host's stack by its interface (<c>BPF_F_INGRESS</c>).</summary>
    public const int IntoStack = 1;

    /// <summary>In the flags of a port: frames that came in by XDP may leave there.</summary>
    public const int TakesXdp = 2;
    public const int Readers = 32768;
    public const int ReaderBytes = 64;

    /// <summary>In a processor's words: hits until one is copied up.</summary>
    public const int UntilSample = 8;
    public const int MaxProcessors = 256;
    public const int Gates = 49152;
    public const int GateCount = 256;

    /// <summary>Where a word of the key lies in a slot.</summary>
    public static int KeyWord(int index) => index < 7 ? 8 * index : index < 14 ? 136 + (8 * (index - 7)) : 224 + (8 * (index - 14));
}

/// <summary>What a rule does, in the flags word of its slot.</summary>
[Flags]
internal enum KernelFlags
{
    None = 0,
    SetEthDst = 1,
    SetEthSrc = 2,
    SetIpSrc = 4,
    SetIpDst = 8,
    SetTpSrc = 16,
    SetTpDst = 32,
    SetTtl = 64,
    DecTtl = 128,
    SetTos = 256,
    SetTag = 512,
    PushTag = 1024,
    PopTag = 2048,
    Count = 4096,

    /// <summary>Outer headers come off, and what was inside is looked up.</summary>
    Decap = 8192,

    /// <summary>Outer headers are put on.</summary>
    Encap = 16384,

    /// <summary>There are more outputs behind this one.</summary>
    Several = 32768,

    /// <summary>Something behind the Ethernet header changes.</summary>
    Network = SetIpSrc | SetIpDst | SetTpSrc | SetTpDst | SetTtl | DecTtl | SetTos,
}

/// <summary>Why a frame is left to software although there is a rule for it.</summary>
public enum KernelLeft
{
    /// <summary>A super-frame in a tunnel is to be taken out of it: this kernel cannot make one of what is inside.</summary>
    SuperFrameInside,

    /// <summary>A super-frame is to be put into a tunnel with UDP checksums: each of its frames needs one of its own.</summary>
    SuperFrameChecksum,

    /// <summary>A UDP checksum is asked for, and what is inside says nothing about its own sum.</summary>
    ChecksumInside,

    /// <summary>Outer headers are not the ones that the rule expects: lengths, flags, options.</summary>
    OuterHeader,

    /// <summary>The kernel gives no room for outer headers.</summary>
    NoRoom,
}

/// <summary>What programs do only if some rule asks for it.</summary>
[Flags]
internal enum KernelFeatures
{
    None = 0,
    Decap = 1,
    Encap = 2,
    Several = 4,

    /// <summary>Outer headers with IPv6 are put on.</summary>
    EncapIpv6 = 8,
}

/// <summary>What outer headers are put on, in a slot.</summary>
[Flags]
internal enum KernelFront : byte
{
    /// <summary>UDP over IPv4 without a checksum.</summary>
    None = 0,

    /// <summary>Over IPv6.</summary>
    Ipv6 = 1,

    /// <summary>GRE, so neither a source port nor a checksum.</summary>
    Gre = 2,

    /// <summary>A UDP checksum is to be computed.</summary>
    Checksum = 4,
}
