namespace Mergeflow.Cli;

/// <summary>The files that say what a switch does.</summary>
/// <param name="FlowsPath">Flows; null = every packet goes by <c>normal</c>, as in a switch that learns.</param>
/// <param name="GroupsPath">Groups; null = none.</param>
/// <param name="MetersPath">Meters; null = none.</param>
internal sealed record RuleFiles(string? FlowsPath, string? GroupsPath, string? MetersPath)
{
    /// <summary>Geneve option that flows know as <c>tun_metadata0</c>; the default value is none.</summary>
    public GeneveOption Option { get; init; }

    private const string LearningSwitch = "priority=0,actions=normal";

    /// <summary>Reads all of them into tables of their own: whatever is wrong is found before anything changes.</summary>
    /// <param name="options">Features of the switch.</param>
    /// <param name="ports">Its ports, which flows may call by their names.</param>
    /// <param name="warn">Takes a line per match that is widened.</param>
    /// <exception cref="CommandFailedException">A file cannot be read; its line is named.</exception>
    public OfPipeline Load(PipelineOptions options, IEnumerable<PortSpec> ports, Action<string> warn)
    {
        OfPipeline tables = new(options with { Meters = null, IsShared = false });
        tables.SetOption(Option);
        FlowTextParser parser = RuleText.Parser(ports, warn);
        if (MetersPath is not null) Each(MetersPath, FlowTextParser.ParseMeters, m => tables.ApplyMeter(m));
        if (GroupsPath is not null) Each(GroupsPath, text => parser.ParseGroups(text, GroupModCommand.Add), tables.ApplyGroup);
        string flows = FlowsPath is null ? LearningSwitch : InputFile.ReadText(FlowsPath);
        ControlText place = ControlText.OfFile(FlowsPath ?? "", flows);
        place.Run(() => tables.ApplyAll(parser.ParseFlows(flows)));
        return tables;
    }

    private static void Each<T>(string path, Func<string, IReadOnlyList<T>> parse, Action<T> apply)
    {
        string text = InputFile.ReadText(path);
        ControlText place = ControlText.OfFile(path, text);
        IReadOnlyList<T> mods = [];
        place.Run(() => mods = parse(text));
        for (int i = 0; i < mods.Count; i++) place.Run(() => apply(mods[i]), i);
    }
}
