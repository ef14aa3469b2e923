using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mergeflow.Native;

/// <summary>The AES round as one instruction. Only where <see cref="Aes.IsSupported"/> holds.</summary>
public readonly struct AesRoundNi : IAesRound
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Round(Vector128<byte> state, Vector128<byte> roundKey) => Aes.Encrypt(state, roundKey);
}
