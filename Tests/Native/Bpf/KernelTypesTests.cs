using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What the kernel says of its own types.</summary>
public sealed class KernelTypesTests
{
    private const string File = "/sys/kernel/btf/vmlinux";

    [Fact]
    public void Members_of_the_running_kernel_are_found_also_in_nameless_and_nested_structures()
    {
        Assert.SkipUnless(System.IO.File.Exists(File), "this kernel does not tell of its types");
        KernelTypes types = KernelTypes.Read();

        // The first two members of a packet are its neighbours in a list, in a nameless union of structures; its device comes behind them.
        Assert.Equal((0, 8, 16), (types.OffsetOf("sk_buff", "next"), types.OffsetOf("sk_buff", "prev"), types.OffsetOf("sk_buff", "dev")));
        Assert.Equal(types.OffsetOf("net", "ns"), types.OffsetOf("net", "ns.inum") - types.OffsetOf("ns_common", "inum"));
        Assert.Equal("SKB_DROP_REASON_NOT_SPECIFIED", types.NamesOf("skb_drop_reason")[2]);
        Assert.Empty(types.NamesOf("no_such_enumeration"));
        foreach ((string structure, string path) in new[] { ("sk_buff", "no_such_member"), ("no_such_structure", "dev"), ("sk_buff", "dev.ifindex") })
            Assert.Throws<InvalidDataException>(() => types.OffsetOf(structure, path));
    }

    /// <summary>Structures a { union { int b; c d; } } with c { int e, f }, and an enumeration g { H = 7 }.</summary>
    [Fact]
    public void A_small_description_is_read_and_a_damaged_one_is_refused_in_one_line()
    {
        byte[] whole = Small();
        Assert.Equal((0, 0, 4), (new KernelTypes(whole).OffsetOf("a", "b"), new KernelTypes(whole).OffsetOf("a", "d"), new KernelTypes(whole).OffsetOf("a", "d.f")));
        Assert.Equal("H", new KernelTypes(whole).NamesOf("g")[7]);
        for (int length = 0; length < whole.Length; length++) Look(whole[..length]);
        Random random = new(7);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] damaged = [.. whole];
            for (int n = random.Next(1, 4); n > 0; n--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            Look(damaged);
        }
    }

    /// <summary>Finds something, or says that it cannot.</summary>
    private static void Look(byte[] bytes)
    {
        try
        {
            KernelTypes types = new(bytes);
            _ = types.NamesOf("g").Count;
            _ = types.OffsetOf("a", "d.f");
        }
        catch (InvalidDataException)
        {
            // What it is to be.
        }
    }

    private static byte[] Small()
    {
        const string strings = "\0a\0b\0c\0d\0e\0f\0g\0H\0int\0";
        int At(string name) => strings.IndexOf($"\0{name}\0", StringComparison.Ordinal) + 1;
        int[] types =
        [
            At("int"), 1 << 24, 4, 32,
            At("c"), (4 << 24) | 2, 8, At("e"), 1, 0, At("f"), 1, 32,
            0, (5 << 24) | 2, 8, At("b"), 1, 0, At("d"), 2, 0,
            At("a"), (4 << 24) | 1, 8, 0, 3, 0,
            At("g"), (6 << 24) | 1, 4, At("H"), 7,
        ];
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        writer.Write((ushort)0xeb9f);
        writer.Write((ushort)1);
        foreach (int word in new[] { 24, 0, types.Length * 4, types.Length * 4, strings.Length }) writer.Write(word);
        foreach (int word in types) writer.Write(word);
        foreach (char c in strings) writer.Write((byte)c);
        return stream.ToArray();
    }
}
