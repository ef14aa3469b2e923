using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>A merged rule as the packet path sees it: three cache lines, of which a hit without rewrites touches two.</summary>
/// <remarks>
/// <code>
/// line 0  masked lanes 0 and 1 of the original header
/// line 1  counters, program, shape, flags, first connection
/// line 2  further connections, precomputed rewrite
/// </code>
/// Counters have one writer, the packet thread that owns the table. <see cref="Gate"/> is read by the packet thread immediately before use: while
/// that gate is closed the rule is not used, although it is found (<see cref="RevocationGates"/>).
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
public unsafe struct MergedHot
{
    /// <summary>Size of a rule in bytes.</summary>
    public const int SizeBytes = 192;

    /// <summary>Where the line with the rewrite begins, bytes.</summary>
    public const int RewriteOffset = 128;

    /// <summary>Most connections of one rule.</summary>
    public const int MaxConns = 4;

    [FieldOffset(0)] public Vector256<byte> Value0;
    [FieldOffset(32)] public Vector256<byte> Value1;

    /// <summary>Packets that used the rule, and their bytes as received.</summary>
    [FieldOffset(64)] public CombinedCounter Counter;

    /// <summary><see cref="ActionCount"/> records; null unless <see cref="Shape"/> is General.</summary>
    [FieldOffset(80)] public DpAction* Program;

    /// <summary>Written before <see cref="Counter"/>: never older than what that says.</summary>
    [FieldOffset(88)] public long LastUsedMs;
    [FieldOffset(96)] public uint OutPort;
    [FieldOffset(100)] public ushort ActionCount;
    [FieldOffset(102)] public MergedShape Shape;

    /// <summary>Index of the template (mask).</summary>
    [FieldOffset(103)] public byte Template;

    /// <summary>The gate it stands behind; <see cref="RevocationGates.Shut"/> = it must not be used any more.</summary>
    [FieldOffset(104)] public byte Gate;

    /// <summary>1 = only for packets whose IP and L4 checksums are known to be good.</summary>
    [FieldOffset(105)] public byte RequiresCsum;
    [FieldOffset(106)] public byte ConnCount;

    /// <summary>Bit i: connection i is used in the reply direction.</summary>
    [FieldOffset(107)] public byte ReplyBits;

    /// <summary>Masked lanes behind lane 1, in lane order; null if the template has none.</summary>
    [FieldOffset(112)] public Vector256<byte>* Wide;

    [FieldOffset(120)] private ConnRef _conn0;

    [FieldOffset(152)] public Be32 NwSrc;
    [FieldOffset(156)] public Be32 NwDst;
    [FieldOffset(160)] public Be16 TpSrc;
    [FieldOffset(162)] public Be16 TpDst;

    /// <summary>What to add to the complement of the IPv4 header checksum, packet order (RFC 1624).</summary>
    [FieldOffset(164)] public ushort IpCsumAdd;

    /// <summary>The same for the TCP or UDP checksum.</summary>
    [FieldOffset(166)] public ushort L4CsumAdd;
    [FieldOffset(168)] public EthAddress DlDst;
    [FieldOffset(174)] public EthAddress DlSrc;
    [FieldOffset(180)] public MergedRewriteFields Rewrites;
    [FieldOffset(181)] public byte NwTtl;
    [FieldOffset(182)] public byte NwTos;

    /// <summary>Offset of the checksum in the transport header, bytes.</summary>
    [FieldOffset(183)] public byte L4CsumOffset;

    /// <summary>Connection <paramref name="i"/> of rule <paramref name="hot"/>, 0..3.</summary>
    public static ConnRef* Conn(MergedHot* hot, int i) => &hot->_conn0 + i;

    /// <summary>Counts a packet of so many bytes as received; for the packet thread that owns the table.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Count(MergedHot* hot, ulong bytes, long nowMs)
    {
        hot->LastUsedMs = nowMs;
        CombinedCounter.Add(ref hot->Counter, 1, bytes);
    }

    /// <summary>Whether connection <paramref name="i"/> is used in the reply direction.</summary>
    public readonly bool IsReply(int i) => ((ReplyBits >> i) & 1) != 0;
}

/// <summary>Program shapes of merged rules that need no interpreter.</summary>
public enum MergedShape : byte
{
    /// <summary>Run <see cref="MergedHot.Program"/>.</summary>
    General,

    /// <summary>No output at all.</summary>
    Drop,

    /// <summary>Send on <see cref="MergedHot.OutPort"/>, unchanged.</summary>
    OutputOnly,

    /// <summary>IPv4 TCP/UDP: <see cref="MergedRewrite.Apply"/>, then send on <see cref="MergedHot.OutPort"/>.</summary>
    RewriteOutput,
}

/// <summary>Which fields a precomputed rewrite stores besides addresses and ports.</summary>
[Flags]
public enum MergedRewriteFields : byte
{
    None = 0,
    DlDst = 1,
    DlSrc = 2,
    NwTtl = 4,
    NwTos = 8,

    /// <summary>IPv4 addresses and ports.</summary>
    Tuple = 16,
}
