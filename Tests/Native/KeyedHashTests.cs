using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>In one collection with the test that changes the seed of the process: they must not run side by side.</summary>
[Collection("KeyedHash")]
public sealed class KeyedHashTests
{
    [Fact]
    public void Software_round_is_the_AES_round()
    {
        // FIPS 197 appendix B, round 1.
        Vector128<byte> state = Vector128.Create(Convert.FromHexString("193de3bea0f4e22b9ac68d2ae9f84808"));
        Vector128<byte> key = Vector128.Create(Convert.FromHexString("a0fafe1788542cb123a339392a6c7605"));
        Vector128<byte> expected = Vector128.Create(Convert.FromHexString("a49c7ff2689f352b6b5bea43026a5049"));
        Assert.Equal(expected, AesRoundSoftware.Round(state, key));
    }

    [Fact]
    public void Hardware_and_software_give_identical_values_against_the_page_end()
    {
        Assert.SkipUnless(Aes.IsSupported, "this processor has no AES instructions");
        var random = new Random(1);
        using var block = new GuardedBlock(512);
        for (int round = 0; round < 500; round++)
        {
            for (int lanes = 1; lanes <= 9; lanes++)
            {
                Span<byte> bytes = block.AtEnd(32 * lanes);
                random.NextBytes(bytes);
                ulong basis = (ulong)random.NextInt64();
                ulong value = KeyedHash.Hash<AesRoundSoftware>(bytes, basis);
                Assert.Equal(value, KeyedHash.Hash<AesRoundNi>(bytes, basis));
                Assert.Equal(value, KeyedHash.Hash(bytes, basis));
                if (lanes == 1) Assert.Equal(value, KeyedHash.Hash32(Vector256.Create<byte>(bytes), basis));
                if (lanes == 2) Assert.Equal(value, KeyedHash.Hash64(Vector256.Create<byte>(bytes), Vector256.Create<byte>(bytes[32..]), basis));
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(9)]
    public void Each_input_bit_flips_each_output_bit_half_of_the_time(int lanes)
    {
        const int Samples = 256;
        var random = new Random(2);
        byte[] bytes = new byte[32 * lanes];
        int[] flips = new int[64];
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            Array.Clear(flips);
            for (int sample = 0; sample < Samples; sample++)
            {
                // Half of the samples differ in a few bits only, as flow keys do.
                if ((sample & 1) == 0) random.NextBytes(bytes);
                else bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                ulong before = KeyedHash.Hash(bytes);
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
                ulong changed = before ^ KeyedHash.Hash(bytes);
                for (; changed != 0; changed &= changed - 1) flips[BitOperations.TrailingZeroCount(changed)]++;
            }

            // 7.5 standard deviations of 8 each: about 1e-13 per cell.
            foreach (int count in flips) Assert.InRange(count, 128 - 60, 128 + 60);
        }
    }

    [Fact]
    public void Counting_keys_fill_buckets_evenly()
    {
        const int Buckets = 1 << 12, Keys = Buckets * 16;
        foreach (int shift in (int[])[0, 16, 32, 52])
        {
            int[] fill = new int[Buckets];
            byte[] key = new byte[64];
            for (int i = 0; i < Keys; i++)
            {
                BitConverter.TryWriteBytes(key.AsSpan(44), i);
                fill[(int)((KeyedHash.Hash(key) >> shift) & (Buckets - 1))]++;
            }

            double chiSquare = fill.Sum(count => (count - 16.0) * (count - 16.0) / 16.0);
            Assert.InRange(chiSquare, Buckets - 700, Buckets + 700); // standard deviation about 90
        }
    }

    [Fact]
    public void Position_count_and_basis_matter()
    {
        byte[] a = new byte[64];
        a[0] = 1;
        byte[] b = new byte[64];
        b[32] = 1;
        Assert.NotEqual(KeyedHash.Hash(a), KeyedHash.Hash(b));
        Assert.NotEqual(KeyedHash.Hash(new byte[32]), KeyedHash.Hash(new byte[64]));
        Assert.NotEqual(KeyedHash.Hash(new byte[64]), KeyedHash.Hash(new byte[96]));
        Assert.NotEqual(KeyedHash.Hash(a, 0), KeyedHash.Hash(a, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => KeyedHash.Hash(new byte[33]));
        Assert.Throws<ArgumentOutOfRangeException>(() => KeyedHash.Hash([]));
    }
}
