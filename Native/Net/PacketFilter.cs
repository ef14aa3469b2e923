namespace Mergeflow.Native;

/// <summary>Filters of packet sockets, in classic BPF (<c>struct sock_filter</c>, as numbers of 64 bits).</summary>
internal static class PacketFilter
{
    private const ushort LoadWord = 0x20, JumpIfEqual = 0x15, Return = 0x06;

    /// <summary><c>SKF_AD_OFF + SKF_AD_PKTTYPE</c>: what the kernel says the frame is.</summary>
    private const uint PacketType = unchecked((uint)(-0x1000 + 4));
    private const uint Outgoing = 4;

    private static readonly ulong[] s_nothing = [Instruction(Return, 0)];
    private static readonly ulong[] s_notOutgoing = [Instruction(LoadWord, PacketType), Instruction(JumpIfEqual, Outgoing, ifNot: 1), Instruction(Return, 0), Instruction(Return, uint.MaxValue)];

    /// <summary>Keeps no frame.</summary>
    public static ReadOnlySpan<ulong> Nothing => s_nothing;

    /// <summary>Keeps what comes in, and drops what this host sends.</summary>
    public static ReadOnlySpan<ulong> NotOutgoing => s_notOutgoing;

    private static ulong Instruction(ushort code, uint value, byte ifNot = 0) => code | ((ulong)ifNot << 24) | ((ulong)value << 32);
}
