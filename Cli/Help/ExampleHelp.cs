using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Mergeflow.Cli;

/// <summary><c>--help</c> that ends with commands to type.</summary>
public sealed class ExampleHelp : SynchronousCommandLineAction
{
    private readonly HelpAction _options;
    private readonly ProgramInfo _program;

    private ExampleHelp(HelpAction options, ProgramInfo program) => (_options, _program) = (options, program);

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <summary>Adds its examples to the help of all commands of a program.</summary>
    public static void AddTo(RootCommand root, ProgramInfo program)
    {
        foreach (Option option in root.Options)
        {
            if (option is HelpOption { Action: HelpAction action } help) help.Action = new ExampleHelp(action, program);
        }
    }

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        int code = _options.Invoke(parseResult);
        if (!_program.Examples.TryGetValue(CommandNode.PathOf(parseResult.CommandResult.Command), out string[]? examples)) return code;
        TextWriter output = parseResult.InvocationConfiguration.Output;
        output.WriteLine("Examples:");
        foreach (string example in examples) output.WriteLine($"  {_program.Typed(example)}");
        output.WriteLine();
        return code;
    }
}
