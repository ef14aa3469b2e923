using System.Buffers.Binary;
using System.Text;

namespace Mergeflow.Native;

/// <summary>
/// What the running kernel says of its own types (BTF, kernel <c>Documentation/bpf/btf.rst</c>): where members of structures lie, and the names of enumerators. Offsets are those of this kernel, so a program that
/// is written with them fits no other.
/// </summary>
public sealed class KernelTypes
{
    private const ushort Magic = 0xeb9f;
    private const int HeaderBytes = 24, TypeBytes = 12, MemberBytes = 12, BitsPerByte = 8;

    /// <summary>Bytes behind <c>struct btf_type</c>, fixed and for each of its members, by kind (<c>BTF_KIND_*</c>).</summary>
    private static readonly (int Fixed, int Each)[] s_tails =
        [(0, 0), (4, 0), (0, 0), (12, 0), (0, MemberBytes), (0, MemberBytes), (0, 8), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 8), (4, 0), (0, 12), (0, 0), (4, 0), (0, 0), (0, 12)];

    private readonly byte[] _bytes;
    private readonly List<int> _types = [0];
    private readonly int _strings;

    /// <summary>Takes over what the kernel's file holds.</summary>
    /// <exception cref="InvalidDataException">It is none, or damaged.</exception>
    public KernelTypes(byte[] bytes)
    {
        _bytes = bytes;
        if (bytes.Length < HeaderBytes || BinaryPrimitives.ReadUInt16LittleEndian(bytes) != Magic) throw new InvalidDataException("no type information (BTF)");
        int header = Word(4);
        long types = header + (long)(uint)Word(8), end = types + (uint)Word(12), strings = header + (long)(uint)Word(16);
        if (header < HeaderBytes || end > bytes.Length || strings > bytes.Length) throw new InvalidDataException("type information (BTF) is cut off");
        _strings = (int)strings;
        for (int at = (int)types; at < end;)
        {
            if (at + TypeBytes > end || Kind(at) >= s_tails.Length) throw new InvalidDataException("type information (BTF) of an unknown kind");
            _types.Add(at);
            (int tail, int each) = s_tails[Kind(at)];
            at += TypeBytes + tail + (Count(at) * each);
        }
    }

    /// <summary>Those of the running kernel.</summary>
    /// <exception cref="IOException">It does not tell, or not to this process.</exception>
    /// <exception cref="InvalidDataException">It tells what cannot be read.</exception>
    public static KernelTypes Read()
    {
        try
        {
            return new KernelTypes(File.ReadAllBytes("/sys/kernel/btf/vmlinux"));
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    /// <summary>Bytes in front of a member of a structure; members of nameless structures within it are its own. A path with dots goes on in the structure that a member is.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public int OffsetOf(string structure, string path)
    {
        const int structKind = 4;
        int type = _types.FindIndex(1, t => Kind(t) == structKind && IsNamed(t, structure));
        int offset = 0;
        foreach (string name in path.Split('.'))
        {
            if (type < 0 || Find(type, name, 0) is not { } member) throw new InvalidDataException($"this kernel has no {structure}.{path}");
            offset += member.Bits / BitsPerByte;
            type = member.Type;
        }

        return offset;
    }

    /// <summary>Names of an enumeration by their values; empty = there is no such enumeration.</summary>
    public IReadOnlyDictionary<int, string> NamesOf(string enumeration)
    {
        const int enumKind = 6;
        Dictionary<int, string> names = [];
        int at = _types.Find(t => t != 0 && Kind(t) == enumKind && IsNamed(t, enumeration));
        for (int i = 0; at != 0 && i < Count(at); i++) names[Word(at + TypeBytes + (8 * i) + 4)] = Name(at + TypeBytes + (8 * i));
        return names;
    }

    private (int Bits, int Type)? Find(int type, string name, int depth)
    {
        const int unionKind = 5, structKind = 4, typedefKind = 8, volatileKind = 9, restrictKind = 11, deepest = 16;
        for (; depth < deepest; depth++)
        {
            if (type <= 0 || type >= _types.Count) return null;
            if (Kind(_types[type]) is not (typedefKind or (>= volatileKind and <= restrictKind))) break;
            type = Word(_types[type] + 8);
        }

        int at = _types[type];
        if (depth == deepest || Kind(at) is not (structKind or unionKind)) return null;
        bool hasBitfields = Word(at + 4) < 0;
        for (int i = 0; i < Count(at); i++)
        {
            int member = at + TypeBytes + (i * MemberBytes), bits = hasBitfields ? Word(member + 8) & 0xffffff : Word(member + 8);
            if (IsNamed(member, name)) return (bits, Word(member + 4));
            if (!IsNamed(member, "") || Find(Word(member + 4), name, depth + 1) is not { } inner) continue;
            return (bits + inner.Bits, inner.Type);
        }

        return null;
    }

    private int Kind(int at) => (Word(at + 4) >> 24) & 31;

    private int Count(int at) => Word(at + 4) & 0xffff;

    private int Word(int at) => at >= 0 && at + 4 <= _bytes.Length ? BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(at)) : throw new InvalidDataException("type information (BTF) is cut off");

    /// <summary>What is named at <paramref name="at"/> (<c>name_off</c>) has that name.</summary>
    private bool IsNamed(int at, string name) => Ascii.Equals(Text(at), name);

    private string Name(int at) => Encoding.ASCII.GetString(Text(at));

    private ReadOnlySpan<byte> Text(int at)
    {
        long from = _strings + (long)(uint)Word(at);
        if (from >= _bytes.Length) throw new InvalidDataException("type information (BTF) is cut off");
        ReadOnlySpan<byte> rest = _bytes.AsSpan((int)from);
        int end = rest.IndexOf((byte)0);
        return end < 0 ? rest : rest[..end];
    }
}
