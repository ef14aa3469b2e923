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
            KeyedHash.ResetSeed();
            ulong third = KeyedHash.Hash(key);
            Assert.Equal(3, new HashSet<ulong> { first, second, third }.Count);
        }

        /// <summary>
        /// Pairs that the structure of one pass predicts: a byte of one half of a lane, and the column of the other half that undoes it. Where 64 bits are
        /// taken for the key itself they must not collide.
        /// </summary>
        [Fact]
        public void Pairs_that_collide_in_one_pass_have_different_identities()
        {
            byte[] a = new byte[64], b = new byte[64];
            a[46] = 0xc0;
            b[46] = 0xf0;
            Convert.FromHexString("f7327e10").CopyTo(a, 52);
            Convert.FromHexString("92aa293e").CopyTo(b, 52);
            try
            {
                KeyedHash.SetSeed(1);
                Assert.Equal(0x20ec16d578877ebdUL, KeyedHash.Hash(a));
                Assert.Equal(KeyedHash.Hash(a), KeyedHash.Hash(b));
                Assert.NotEqual(KeyedHash.Identity(a), KeyedHash.Identity(b));
                Assert.Equal(KeyedHash.Identity(a), KeyedHash.Identity((byte[])a.Clone()));
            }
            finally
            {
                KeyedHash.ResetSeed();
            }
        }

        /// <summary>The soft device's table with that pair: what has the hash of a rule and another key does not take it.</summary>
        [Fact]
        public void A_key_with_the_hash_of_a_rule_does_not_take_it()
        {
            try
            {
                KeyedHash.SetSeed(1);
                FlowKey rule = Key(0xc0, "f7327e10"), other = Key(0xf0, "92aa293e"), mask = default;
                mask.Bytes[..64].Fill(0xff);
                using MergedFlowTable table = new(16);
                Assert.True(table.TryAdd(new MergedFlow(5) { Mask = mask, Value = rule }, out _) >= 0);
                using PacketPool pool = new(2, 256);
                PacketRef[] packets = [pool.RentRef(new byte[64], 0), pool.RentRef(new byte[64], 0)];
                packets[0].SetKey(ref rule);
                packets[1].SetKey(ref other);
                long[] ids = new long[2];
                table.Probe(packets, ids);
                Assert.True(ids[0] >= 0);
                Assert.Equal(-1, ids[1]);
                foreach (PacketRef p in packets) pool.Return(p);
            }
            finally
            {
                KeyedHash.ResetSeed();
            }

            static FlowKey Key(byte at46, string at52)
            {
                FlowKey key = default;
                key.Bytes[46] = at46;
                Convert.FromHexString(at52).CopyTo(key.Bytes[52..]);
                return key;
            }
        }
    }
}
