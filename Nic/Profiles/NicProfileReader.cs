namespace Mergeflow.Nic;


/// <summary>JSON to <see cref="NicProfile"/>: with <c>extends</c> the other members are changes to that profile, without it all are required.</summary>
internal static class NicProfileReader
{
    private const int MaxEntries = 1 << 22;
    private const long MaxLatencyUs = 60_000_000;

    public static NicProfile Read(ConfigValue root, Func<string, NicProfile> loadBase)
    {
        root.RejectUnknown("name", "extends", "items", "fields", "actions", "maxActions", "vlanTags", "exactMatch", "wildcard", "queue",
            "counterRefreshMs", "verifiesChecksums");
        NicProfile? from = null;
        if (root.Find("extends") is { } extends)
        {
            string name = extends.Text();
            if (!NicProfile.EmbeddedNames.Contains(name)) extends.Fail($"no profile '{name}'; profiles: {string.Join(", ", NicProfile.EmbeddedNames)}");
            from = loadBase(name);
        }

        ConfigValue? exact = Section(root, "exactMatch", from, "entries", "templates");
        ConfigValue? wildcard = Section(root, "wildcard", from, "rows");
        ConfigValue? queue = Section(root, "queue", from, "depth", "insertsPerSecond", "insertLatencyUs", "deletesPerSecond", "deleteLatencyUs");
        int vlanTags = (int)Number(root, "vlanTags", from?.VlanTags, 0, 2);
        return new NicProfile
        {
            Name = root.Get("name").Text(),
            Items = Items(root, from),
            Fields = Fields(root, from, vlanTags),
            Actions = Actions(root, from),
            MaxActions = (int)Number(root, "maxActions", from?.MaxActions, 1, 255),
            VlanTags = vlanTags,
            ExactMatchEntries = (int)Number(exact, "entries", from?.ExactMatchEntries, 0, MaxEntries),
            ExactMatchTemplates = (int)Number(exact, "templates", from?.ExactMatchTemplates, 0, 1024),
            WildcardRows = (int)Number(wildcard, "rows", from?.WildcardRows, 0, 1 << 16),
            QueueDepth = (int)Number(queue, "depth", from?.QueueDepth, 1, 1 << 20),
            InsertsPerSecond = (int)Number(queue, "insertsPerSecond", from?.InsertsPerSecond, 0, 1_000_000_000),
            InsertLatencyNs = 1000 * Number(queue, "insertLatencyUs", from?.InsertLatencyNs / 1000, 0, MaxLatencyUs),
            DeletesPerSecond = (int)Number(queue, "deletesPerSecond", from?.DeletesPerSecond, 0, 1_000_000_000),
            DeleteLatencyNs = 1000 * Number(queue, "deleteLatencyUs", from?.DeleteLatencyNs / 1000, 0, MaxLatencyUs),
            CounterRefreshNs = 1_000_000 * Number(root, "counterRefreshMs", from?.CounterRefreshNs / 1_000_000, 0, 3_600_000),
            VerifiesChecksums = root.Find("verifiesChecksums") is null && from is not null ? from.VerifiesChecksums : root.Get("verifiesChecksums").Flag(),
        };
    }

    public static string Spell(MatchSupport support) => support switch
    {
        MatchSupport.None => "none",
        MatchSupport.Exact => "exact",
        _ => "masked",
    };

    private static MatchSupport ReadSupport(ConfigValue v)
    {
        switch (v.Text())
        {
            case "none": return MatchSupport.None;
            case "exact": return MatchSupport.Exact;
            case "masked": return MatchSupport.Masked;
            default:
                v.Fail($"expected none, exact or masked, got '{v.Text()}'");
                return default;
        }
    }

    private static ConfigValue? Section(ConfigValue root, string name, NicProfile? from, params ReadOnlySpan<string> members)
    {
        ConfigValue? v = from is null ? root.Get(name) : root.Find(name);
        v?.RejectUnknown(members);
        return v;
    }

    private static long Number(ConfigValue? section, string name, long? inherited, long min, long max)
    {
        ConfigValue? v = section?.Find(name);
        if (v is not null) return v.Integer(min, max);
        return inherited ?? section!.Get(name).Integer(min, max);
    }

    private static HashSet<string> Items(ConfigValue root, NicProfile? from)
    {
        if (root.Find("items") is null && from is not null) return [.. from.Items];
        var set = new HashSet<string>();
        foreach (ConfigValue v in root.Get("items").Elements())
        {
            if (!FlowNames.Items.Contains(v.Text())) v.Fail($"unknown item '{v.Text()}'; items: {string.Join(", ", FlowNames.Items)}");
            set.Add(v.Text());
        }
        return set;
    }

    private static MatchSupport[] Fields(ConfigValue root, NicProfile? from, int vlanTags)
    {
        MatchSupport[] fields = from is null ? new MatchSupport[NicFields.All.Count] : [.. from.Fields];
        ConfigValue? section = from is null ? root.Get("fields") : root.Find("fields");
        if (section is not null)
        {
            foreach ((string name, ConfigValue v) in section.Members())
            {
                NicFieldInfo? f = NicFields.Find(name);
                if (f is null)
                {
                    v.Fail("unknown field");
                    continue;
                }
                fields[(int)f.Field] = ReadSupport(v);
            }
        }
        // A tag that the parser does not take off cannot be matched, whatever the file says.
        if (vlanTags < 2) Array.Clear(fields, (int)NicField.HasMoreVlan, NicField.Vlan2Dei - NicField.HasMoreVlan + 1);
        if (vlanTags < 1) Array.Clear(fields, (int)NicField.HasVlan, NicField.VlanDei - NicField.HasVlan + 1);
        return fields;
    }

    private static Dictionary<string, MatchSupport> Actions(ConfigValue root, NicProfile? from)
    {
        Dictionary<string, MatchSupport> actions = from is null ? [] : new(from.Actions);
        ConfigValue? section = from is null ? root.Get("actions") : root.Find("actions");
        if (section is null) return actions;
        foreach ((string name, ConfigValue v) in section.Members())
        {
            if (!FlowNames.Actions.Contains(name)) v.Fail($"unknown action; actions: {string.Join(", ", FlowNames.Actions)}");
            actions[name] = ReadSupport(v);
        }
        return actions;
    }
}
