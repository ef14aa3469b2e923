using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Mergeflow.Native;

/// <summary>The expanded keys of <see cref="KeyedHash"/>, two cache lines.</summary>
[StructLayout(LayoutKind.Explicit, Size = 112)]
internal struct HashKeys
{
    /// <summary>Whitens lane 0.</summary>
    [FieldOffset(0)] public Vector256<byte> A0;

    /// <summary>Whitens the other lanes.</summary>
    [FieldOffset(32)] public Vector256<byte> A1;

    /// <summary>Round key of each lane's first round.</summary>
    [FieldOffset(64)] public Vector128<byte> C;

    /// <summary>First finishing round key.</summary>
    [FieldOffset(80)] public Vector128<byte> F0;

    /// <summary>Second finishing round key.</summary>
    [FieldOffset(96)] public Vector128<byte> F1;
}
