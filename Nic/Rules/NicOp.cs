using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mergeflow.Nic;


/// <summary>One compiled action: 40 bytes in unmanaged memory, behind its rule. Value and mask are in network byte order.</summary>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
internal struct NicOp
{
    public const int SizeBytes = 40;

    [FieldOffset(0)] public NicOpCode Code;

    /// <summary>Port, offset or ethertype.</summary>
    [FieldOffset(4)] public uint Argument;

    /// <summary>Sample: records behind this one that belong to it.</summary>
    [FieldOffset(4)] public int NestedCount;

    [FieldOffset(8)] private Bytes16 _value;
    [FieldOffset(24)] private Bytes16 _mask;

    /// <summary>New bits.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public Span<byte> Value => _value;

    /// <summary>1 = the bit is written.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public Span<byte> Mask => _mask;

    [InlineArray(16)]
    private struct Bytes16
    {
        private byte _first;
    }
}
