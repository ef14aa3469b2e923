using System.Runtime.Intrinsics;

namespace Mergeflow.Native;

/// <summary>One AES encryption round (FIPS 197; x86 <c>AESENC</c>): ShiftRows, SubBytes, MixColumns, then the round key is added.</summary>
public interface IAesRound
{
    /// <summary>Applies the round to <paramref name="state"/>.</summary>
    static abstract Vector128<byte> Round(Vector128<byte> state, Vector128<byte> roundKey);
}
