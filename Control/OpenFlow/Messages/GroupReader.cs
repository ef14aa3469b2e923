namespace Mergeflow.Control.OpenFlow;

/// <summary>Reads buckets and properties of groups (OVS <c>ofputil_pull_buckets</c>, <c>parse_ofp15_group_properties</c>).</summary>
internal static class GroupReader
{
    /// <summary>Who has the properties of selection (<c>NTR_VENDOR_ID</c>, <c>NTRT_SELECTION_METHOD</c>).</summary>
    public const uint Netronome = 0x154d;
    public const uint SelectionMethod = 1;
    private const uint AnyPort = 0xffff_ffff;
    private const uint MaxBucketId = 0xffff_ff00;

    /// <summary>Buckets up to the end, as OpenFlow 1.1 to 1.4 have them; they get numbers from 0.</summary>
    public static EquatableList<GroupBucket> Read11(ref OfReader reader)
    {
        List<GroupBucket> buckets = [];
        while (reader.Left > 0)
        {
            OfReader one = TakeBucket(ref reader, 16);
            (ushort weight, uint port, uint group) = (one.U16(), one.U32(), one.U32());
            one.Skip(4);
            buckets.Add(new GroupBucket((uint)buckets.Count, weight, WatchPort(port), WatchGroup(group), Actions(one)));
        }

        return new EquatableList<GroupBucket>(buckets);
    }

    /// <summary>What follows the id in the form of OpenFlow 1.5.</summary>
    public static void Read15(ref OfReader reader, ref GroupMod mod)
    {
        int length = reader.U16();
        reader.Skip(2);
        mod = mod with { CommandBucketId = reader.U32() };
        ReadBody15(ref reader, length, ref mod);
    }

    /// <summary>Buckets of so many bytes, then properties.</summary>
    public static void ReadBody15(ref OfReader reader, int bucketBytes, ref GroupMod mod)
    {
        if (bucketBytes > reader.Left) throw new OfRefusal("OFPGMFC_BAD_BUCKET", $"{bucketBytes} bytes of buckets");
        mod = mod with { Buckets = ReadBuckets15(reader.Part(bucketBytes), mod.Type) };
        while (reader.Left > 0)
        {
            OfProperty p = OfProperty.Read(ref reader);
            if (p.Type != OfProperty.Experimenter) throw new OfRefusal("OFPBPC_BAD_TYPE", $"property {p.Type} of a group");
            OfReader body = p.Body;
            (uint vendor, uint type) = (body.U32(), body.U32());
            if (vendor != Netronome) throw new OfRefusal("OFPBPC_BAD_EXPERIMENTER", $"experimenter 0x{vendor:x}");
            if (type != SelectionMethod) throw new OfRefusal("OFPBPC_BAD_EXP_TYPE", $"property {type} of a group");
            ReadSelection(body, ref mod);
        }
    }

    /// <summary>What every group has to keep to (OVS <c>ofputil_check_group_mod</c>).</summary>
    public static void Check(GroupMod mod)
    {
        if (mod.Type == GroupType.Indirect && mod.Command is not (GroupModCommand.Delete or GroupModCommand.RemoveBucket) && mod.Buckets.Count != 1) throw new OfRefusal("OFPGMFC_INVALID_GROUP", "an indirect group has one bucket");
        if (mod.Command == GroupModCommand.Delete && mod.Buckets.Count > 0) throw new OfRefusal("OFPGMFC_INVALID_GROUP", "a deletion has no buckets");
        foreach (GroupBucket bucket in mod.Buckets)
        {
            // Buckets that come into a group are of its type, which the message does not say.
            if (bucket.Weight != 0 && mod.Type != GroupType.Select && mod.Command != GroupModCommand.InsertBucket) throw new OfRefusal("OFPGMFC_INVALID_GROUP", "weights are for select groups");
            bool watches = bucket.WatchPort is not null || bucket.WatchGroup is not null;
            if (mod.Type is GroupType.All or GroupType.Indirect && watches) throw new OfRefusal("OFPGMFC_WATCH_UNSUPPORTED", "buckets of such a group watch nothing");
            if (mod.Type == GroupType.FastFailover && !watches) throw new OfRefusal("OFPGMFC_INVALID_GROUP", "a bucket of a fast failover group watches something");
        }
    }

    private static EquatableList<GroupBucket> ReadBuckets15(OfReader reader, GroupType type)
    {
        List<GroupBucket> buckets = [];
        HashSet<uint> ids = [];
        while (reader.Left > 0)
        {
            OfReader one = TakeBucket(ref reader, 8);
            (int actionBytes, uint id) = (one.U16(), one.U32());
            if (actionBytes > one.Left) throw new OfRefusal("OFPGMFC_BAD_BUCKET", $"{actionBytes} bytes of actions");
            if (id > MaxBucketId || !ids.Add(id)) throw new OfRefusal("OFPGMFC_BAD_BUCKET", $"bucket {id}");
            EquatableList<OfAction> actions = Actions(one.Part(actionBytes));
            var bucket = new GroupBucket(id, type == GroupType.Select ? (ushort)1 : (ushort)0, null, null, actions);
            while (one.Left > 0)
            {
                OfProperty p = OfProperty.Read(ref one);
                OfReader body = p.Body;
                bucket = p.Type switch
                {
                    0 => bucket with { Weight = p.Only(ref body, body.U16()) },
                    1 => bucket with { WatchPort = WatchPort(p.Only(ref body, body.U32())) },
                    2 => bucket with { WatchGroup = WatchGroup(p.Only(ref body, body.U32())) },
                    _ => throw new OfRefusal("OFPBPC_BAD_TYPE", $"property {p.Type} of a bucket"),
                };
            }

            buckets.Add(bucket);
        }

        return new EquatableList<GroupBucket>(buckets);
    }

    private static OfReader TakeBucket(ref OfReader reader, int minimum)
    {
        ReadOnlySpan<byte> rest = reader.Rest;
        int length = rest.Length < minimum ? 0 : (rest[0] << 8) | rest[1];
        if (length < minimum || length > rest.Length) throw new OfRefusal("OFPGMFC_BAD_BUCKET", $"a bucket of {length} bytes");
        OfReader one = reader.Part(length);
        one.Skip(2);
        return one;
    }

    private static EquatableList<OfAction> Actions(OfReader reader)
    {
        EquatableList<OfAction> actions = ActionReader.ReadList(reader.Part(reader.Left, ActionReader.BadLength));
        return actions.Count == 0 ? new EquatableList<OfAction>([new OfDrop()]) : actions;
    }

    private static uint? WatchPort(uint port) => port == AnyPort ? null : ActionReader.NarrowPort(port, "OFPGMFC_BAD_WATCH");

    private static uint? WatchGroup(uint group) => group == uint.MaxValue ? null : group;

    private static void ReadSelection(OfReader body, ref GroupMod mod)
    {
        if (mod.Type != GroupType.Select || mod.Command is GroupModCommand.Delete or GroupModCommand.InsertBucket or GroupModCommand.RemoveBucket) throw BadValue("selection is for select groups");
        body.Skip(4);
        string method = System.Text.Encoding.ASCII.GetString(body.Take(16)).TrimEnd('\0');
        ulong parameter = body.U64();
        if (method is not ("hash" or "dp_hash")) throw BadValue($"selection method {method}");
        if (body.Left > 0 && method != "hash") throw BadValue("fields are for hash");
        List<Field> fields = [];
        List<UInt128> masks = [];
        while (body.Left > 0)
        {
            OxmHeader header = OxmHeader.Read(ref body);
            OxmEntry entry = OxmEntry.Read(ref body, header with { HasMask = false }, "OFPBMC_BAD_FIELD");
            if (header.HasMask) throw new OfRefusal("OFPBMC_BAD_MASK", "a hash field is its own mask");
            if (fields.Contains(entry.Field)) throw new OfRefusal("OFPBMC_DUP_FIELD", entry.Field.Name);
            fields.Add(entry.Field);
            masks.Add(entry.Value);
        }

        bool isWhole = fields.Zip(masks).All(static f => f.Second == OxmEntry.Ones(f.First));
        mod = mod with
        {
            SelectionMethod = method,
            SelectionParam = parameter,
            HashFields = new EquatableList<Field>(fields),
            HashMasks = isWhole ? null : new EquatableList<UInt128>(masks),
        };
    }

    private static OfRefusal BadValue(string what) => new("OFPBPC_BAD_VALUE", what);
}
