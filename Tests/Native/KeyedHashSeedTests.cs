using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The only test that changes the seed of the process: it must run while no other test hashes.</summary>
[CollectionDefinition("KeyedHash", DisableParallelization = true)]
public sealed class KeyedHashSeedTests
{
    [Collection("KeyedHash")]
    public sealed class Seeding
    {
        [Fact]
        public void Same_seed_same_values_other_seed_other_values()
        {
            byte[] key = new byte[64];
            key[7] = 3;
            KeyedHash.SetSeed(1);
            ulong first = KeyedHash.Hash(key);
            KeyedHash.SetSeed((UInt128)1 << 64);
            ulong second = KeyedHash.Hash(key);
            KeyedHash.SetSeed(1);
            Assert.Equal(first, KeyedHash.Hash(key));
            KeyedHash.SetRandomSeed();
            ulong third = KeyedHash.Hash(key);
            Assert.Equal(3, new HashSet<ulong> { first, second, third }.Count);
        }
    }
}
