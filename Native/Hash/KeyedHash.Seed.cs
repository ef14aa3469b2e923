using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Mergeflow.Native;

public static unsafe partial class KeyedHash
{
    /// <summary>
    /// Unmanaged and never freed: the compiler turns the pointer into a constant and the keys into memory operands, and tests can still
    /// change what is there.
    /// </summary>
    private static readonly HashKeys* Keys = CreateKeys();

    /// <summary>Back to the keys of <see cref="ProcessSeed"/>. Every hash value taken before is void: call it before tables are filled.</summary>
    public static void ResetSeed() => SetSeed(OfProcess);

    /// <summary>Sets the 128-bit seed, for runs that must repeat exactly. Every hash value taken before is void; no other thread may hash meanwhile.</summary>
    public static void SetSeed(UInt128 seed) => *Keys = Expand(seed);

    private static UInt128 OfProcess => new(ProcessSeed.For("hash, upper half"), ProcessSeed.For("hash, lower half"));

    private static HashKeys* CreateKeys()
    {
        // Lives as long as the process; Keys itself cannot be used before it is assigned.
        var keys = (HashKeys*)NativeMemory.AlignedAlloc((nuint)sizeof(HashKeys), 64);
        *keys = Expand(OfProcess);
        return keys;
    }

    /// <summary>Seven independent-looking keys from one: encrypt a counter with five rounds under the seed.</summary>
    private static HashKeys Expand(UInt128 seed)
    {
        Vector128<byte> key = Vector128.Create((ulong)seed, (ulong)(seed >> 64)).AsByte();
        HashKeys keys;
        var words = (Vector128<byte>*)&keys;
        for (int i = 0; i < sizeof(HashKeys) / 16; i++)
        {
            Vector128<byte> x = Vector128.Create(0x9e3779b97f4a7c15UL * (ulong)(i + 1), 0xd1b54a32d192ed03UL + (ulong)i).AsByte() ^ key;
            for (int round = 0; round < 5; round++) x = AesRoundSoftware.Round(x, key);
            words[i] = x;
        }

        return keys;
    }
}
