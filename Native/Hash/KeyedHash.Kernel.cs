using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mergeflow.Native;

public static unsafe partial class KeyedHash
{
    /// <inheritdoc cref="Hash32(Vector256{byte}, ulong)"/>
    /// <typeparam name="TRound">Which implementation of the AES round.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Hash32<TRound>(Vector256<byte> lane, ulong basis)
        where TRound : struct, IAesRound
    {
        Vector256<byte> x = lane ^ Keys->A0;
        return Finish<TRound>(TRound.Round(x.GetLower(), Keys->C), TRound.Round(x.GetUpper(), Keys->C), basis, 1);
    }

    /// <inheritdoc cref="Hash64(Vector256{byte}, Vector256{byte}, ulong)"/>
    /// <typeparam name="TRound">Which implementation of the AES round.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Hash64<TRound>(Vector256<byte> lane0, Vector256<byte> lane1, ulong basis)
        where TRound : struct, IAesRound
    {
        Vector256<byte> x = lane0 ^ Keys->A0;
        Vector256<byte> y = lane1 ^ Keys->A1;
        Vector128<byte> low = TRound.Round(TRound.Round(x.GetLower(), Keys->C), TRound.Round(y.GetLower(), Keys->C));
        Vector128<byte> high = TRound.Round(TRound.Round(x.GetUpper(), Keys->C), TRound.Round(y.GetUpper(), Keys->C));
        return Finish<TRound>(low, high, basis, 2);
    }

    /// <inheritdoc cref="HashLanes(byte*, int, ulong)"/>
    /// <typeparam name="TRound">Which implementation of the AES round.</typeparam>
    public static ulong HashLanes<TRound>(byte* p, int laneCount, ulong basis)
        where TRound : struct, IAesRound
    {
        Vector256<byte> x = Vector256.Load(p) ^ Keys->A0;
        Vector128<byte> low = TRound.Round(x.GetLower(), Keys->C);
        Vector128<byte> high = TRound.Round(x.GetUpper(), Keys->C);
        for (int i = 1; i < laneCount; i++)
        {
            Vector256<byte> y = Vector256.Load(p + (i * LaneSizeBytes)) ^ Keys->A1;
            low = TRound.Round(low, TRound.Round(y.GetLower(), Keys->C));
            high = TRound.Round(high, TRound.Round(y.GetUpper(), Keys->C));
        }

        return Finish<TRound>(low, high, basis, laneCount);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Finish<TRound>(Vector128<byte> low, Vector128<byte> high, ulong basis, int laneCount)
        where TRound : struct, IAesRound
    {
        Vector128<byte> w = TRound.Round(low ^ Vector128.Create(basis, (ulong)laneCount).AsByte(), high);
        w = TRound.Round(TRound.Round(w, Keys->F0), Keys->F1);
        return w.AsUInt64().ToScalar();
    }
}
