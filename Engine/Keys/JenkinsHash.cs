using System.Buffers.Binary;
using System.Numerics;

namespace Mergeflow.Engine.Keys;

/// <summary>
/// Hashes whose values Open vSwitch shows to the outside (lib/jhash.c, and lib/hash.h as it is built for any x86-64): which link of a <c>multipath</c>
/// and which port of a <c>bundle</c> a flow gets. They have no key; whoever knows them can choose his link.
/// </summary>
internal static class JenkinsHash
{
    /// <summary>Bob Jenkins' lookup3 over bytes (OVS <c>jhash_bytes</c>).</summary>
    public static uint Of(ReadOnlySpan<byte> bytes, uint basis)
    {
        uint a, b, c;
        a = b = c = 0xdeadbeef + (uint)bytes.Length + basis;
        for (; bytes.Length >= 12; bytes = bytes[12..])
        {
            a += BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            b += BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            c += BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
            Mix(ref a, ref b, ref c);
        }

        if (bytes.IsEmpty) return c;
        Span<byte> rest = stackalloc byte[12];
        rest.Clear();
        bytes.CopyTo(rest);
        a += BinaryPrimitives.ReadUInt32LittleEndian(rest);
        b += BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
        c += BinaryPrimitives.ReadUInt32LittleEndian(rest[8..]);
        Final(ref a, ref b, ref c);
        return c;
    }

    /// <summary>Adds a word to a MurmurHash3 (OVS <c>hash_add</c>).</summary>
    public static uint Add(uint hash, uint data)
    {
        if (data != 0) hash ^= BitOperations.RotateLeft(data * 0xcc9e2d51, 15) * 0x1b873593;
        return (BitOperations.RotateLeft(hash, 13) * 5) + 0xe6546b64;
    }

    /// <summary>Ends it (OVS <c>hash_finish</c>).</summary>
    public static uint Finish(uint hash, uint final)
    {
        hash ^= final;
        hash ^= hash >> 16;
        hash *= 0x85ebca6b;
        hash ^= hash >> 13;
        hash *= 0xc2b2ae35;
        return hash ^ (hash >> 16);
    }

    /// <summary>Hash of two words (OVS <c>hash_2words</c>).</summary>
    public static uint OfWords(uint x, uint y) => Finish(Add(Add(x, 0), y), 8);

    private static void Mix(ref uint a, ref uint b, ref uint c)
    {
        (a, c) = ((a - c) ^ BitOperations.RotateLeft(c, 4), c + b);
        (b, a) = ((b - a) ^ BitOperations.RotateLeft(a, 6), a + c);
        (c, b) = ((c - b) ^ BitOperations.RotateLeft(b, 8), b + a);
        (a, c) = ((a - c) ^ BitOperations.RotateLeft(c, 16), c + b);
        (b, a) = ((b - a) ^ BitOperations.RotateLeft(a, 19), a + c);
        (c, b) = ((c - b) ^ BitOperations.RotateLeft(b, 4), b + a);
    }

    private static void Final(ref uint a, ref uint b, ref uint c)
    {
        c = (c ^ b) - BitOperations.RotateLeft(b, 14);
        a = (a ^ c) - BitOperations.RotateLeft(c, 11);
        b = (b ^ a) - BitOperations.RotateLeft(a, 25);
        c = (c ^ b) - BitOperations.RotateLeft(b, 16);
        a = (a ^ c) - BitOperations.RotateLeft(c, 4);
        b = (b ^ a) - BitOperations.RotateLeft(a, 14);
        c = (c ^ b) - BitOperations.RotateLeft(b, 24);
    }
}
