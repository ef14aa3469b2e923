using System.Runtime.Intrinsics;

namespace Mergeflow.Native;

/// <summary>Scalar twin of <see cref="AesRoundNi"/>: the round by table, byte for byte the same result.</summary>
public readonly struct AesRoundSoftware : IAesRound
{
    /// <summary>For each byte x its column (2·S(x), S(x), S(x), 3·S(x)), first byte lowest.</summary>
    private static readonly uint[] ColumnOf = BuildTable();

    /// <inheritdoc/>
    public static Vector128<byte> Round(Vector128<byte> state, Vector128<byte> roundKey)
    {
        // Column c takes row r from column c + r (ShiftRows); row r of a column is its byte r.
        Span<uint> columns = stackalloc uint[4];
        for (int c = 0; c < 4; c++)
        {
            uint column = 0;
            for (int row = 0; row < 4; row++)
            {
                byte value = state.GetElement((4 * ((c + row) & 3)) + row);
                column ^= uint.RotateLeft(ColumnOf[value], 8 * row);
            }

            columns[c] = column;
        }

        return Vector128.Create(columns[0], columns[1], columns[2], columns[3]).AsByte() ^ roundKey;
    }

    private static uint[] BuildTable()
    {
        var table = new uint[256];

        // Walk the field by its generator 3 and, in step, by the inverse of 3: p and q are inverse to each other.
        byte p = 1, q = 1;
        do
        {
            p = (byte)(p ^ Double(p));
            q ^= (byte)(q << 1);
            q ^= (byte)(q << 2);
            q ^= (byte)(q << 4);
            if ((q & 0x80) != 0) q ^= 0x09;
            table[p] = Column((byte)(q ^ RotateLeft(q, 1) ^ RotateLeft(q, 2) ^ RotateLeft(q, 3) ^ RotateLeft(q, 4) ^ 0x63));
        }
        while (p != 1);
        table[0] = Column(0x63);
        return table;
    }

    private static uint Column(byte s)
    {
        uint twice = Double(s);
        return twice | ((uint)s << 8) | ((uint)s << 16) | ((twice ^ s) << 24);
    }

    private static byte Double(byte x) => (byte)((x << 1) ^ ((x & 0x80) != 0 ? 0x1b : 0));

    private static byte RotateLeft(byte x, int bits) => (byte)((x << bits) | (x >> (8 - bits)));
}
